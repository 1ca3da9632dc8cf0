using System.Text;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Tests.Drivers.Qemu;

public sealed class QmpMessageTests
{
    [Theory]
    [InlineData("""{"return": {"a": [1, 2]}}""", "Return", """{"a": [1, 2]}""", "", "")]
    [InlineData("""{"id": 5, "return": 7}""", "Return", "7", "", "5")]
    [InlineData("""{"return": {}, "id": "libvirt-9"}""", "Return", "{}", "", "\"libvirt-9\"")]
    [InlineData("""{"return":null,"id":null}""", "Return", "null", "", "null")]
    [InlineData("""{"error": {"class": "C", "desc": "D"}, "id": [1]}""", "Error", """{"class": "C", "desc": "D"}""", "", "[1]")]
    [InlineData("""{"timestamp": {"seconds": 1}, "event": "STOP"}""", "Event", "\"STOP\"", "", "")]
    [InlineData("""{"data": {"a": 1}, "event": "E"}""", "Event", "\"E\"", """{"a": 1}""", "")]
    [InlineData("""{"QMP": {}}""", "Greeting", "{}", "", "")]
    [InlineData("""{"\u0072eturn": 1, "return": 2}""", "Return", "2", "", "")]
    [InlineData("""{"return": {"return": 1, "event": 2, "id": 3}}""", "Return", """{"return": 1, "event": 2, "id": 3}""", "", "")]
    public void A_message_is_taken_apart(string json, string kind, string body, string data, string id)
    {
        QmpMessage message = QmpMessage.Parse(Encoding.UTF8.GetBytes(json));

        Assert.Equal(kind, message.Kind.ToString());
        Assert.Equal(body, Encoding.UTF8.GetString(message.Body));
        Assert.Equal(data, Encoding.UTF8.GetString(message.Data));
        Assert.Equal(id, Encoding.UTF8.GetString(message.Id));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"id": 1}""")]
    [InlineData("""{"return": 1, "error": {}}""")]
    [InlineData("""{"return": 1, "return": 1}""")]
    [InlineData("""{"return": }""")]
    [InlineData("""{"return": 1""")]
    [InlineData("""{"return": tru}""")]
    [InlineData("""{"return": 1e}""")]
    [InlineData("""{"return": "a""")]
    [InlineData("""{"return" 1}""")]
    [InlineData("")]
    [InlineData("[]")]
    public void What_is_no_message_is_refused(string json) =>
        Assert.Throws<InvalidDataException>(() => { _ = QmpMessage.Parse(Encoding.UTF8.GetBytes(json)); });

    [Fact]
    public void Errors_of_every_class_are_told_apart()
    {
        foreach ((string name, QmpErrorClass @class) in ((string, QmpErrorClass)[])
            [
                ("GenericError", QmpErrorClass.Generic), ("CommandNotFound", QmpErrorClass.CommandNotFound),
                ("DeviceNotActive", QmpErrorClass.DeviceNotActive), ("DeviceNotFound", QmpErrorClass.DeviceNotFound),
                ("KVMMissingCap", QmpErrorClass.KvmMissingCap), ("ClassOfTomorrow", QmpErrorClass.Generic), ("", QmpErrorClass.Generic),
            ])
        {
            Assert.Equal(
                new QmpError(@class, "it \"is\" so"),
                QmpError.Parse(Encoding.UTF8.GetBytes($$"""{"desc": "it \"is\" so", "class": "{{name}}", "data": [{}]}""")));
        }

        Assert.Equal(new QmpError(QmpErrorClass.Generic, ""), QmpError.Parse("""{"class": 5, "desc": null}"""u8));
    }

    [Fact]
    public void A_long_text_of_an_error_is_cut()
    {
        QmpError error = QmpError.Parse(Encoding.UTF8.GetBytes($$"""{"class": "GenericError", "desc": "{{new string('x', 10_000)}}"}"""));

        Assert.Equal(QmpLimits.MaxTextLength, error.Description.Length);
    }
}
