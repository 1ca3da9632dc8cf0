using System.Text;
using System.Text.Json;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Tests.Drivers.Qemu;

public sealed class JsonWordsTests
{
    /// <summary>What a message begins with; what follows, of the largest size, is each of <see cref="Fillings"/>.</summary>
    public static TheoryData<string> Beginnings { get; } =
    [
        """{"return":t""", """{"return": tru""", """{"return":nul""", """{"return":fals,""", """{"return":[true,false,nulL""", """{"return":"tru\\",f""",
        """{"return":"\"",n""", """{"QMP":{"a":truE""", """{"event":n""", """{"return":0,"id":t""", """{"return":truex""", """{"return":-t""", """{"return":1e""",
        """{"return":"\\""", """{"return":\u0074""", """{t""", """{"return"t""", """{"\ud800":t""",
    ];

    private static byte[][] Fillings { get; } = [[(byte)'x'], [0xFF], [0], "ä"u8.ToArray(), "\"a\", "u8.ToArray(), "\\"u8.ToArray(), "\n"u8.ToArray()];

    [Theory]
    [MemberData(nameof(Beginnings))]
    public void Refusing_a_message_takes_no_memory_for_its_length(string beginning)
    {
        const long most = 64 * 1024;
        foreach (byte[] filling in Fillings)
        {
            byte[] message = new byte[QmpLimits.MaxMessageBytes];
            int length = Encoding.UTF8.GetBytes(beginning, message);
            for (int i = length; i < message.Length; i++)
                message[i] = filling[(i - length) % filling.Length];
            message[^1] = (byte)'}';
            long before = GC.GetAllocatedBytesForCurrentThread();
            var refused = Assert.Throws<InvalidDataException>(() => { _ = QmpMessage.Parse(message); });
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, most);
            Assert.InRange(refused.ToString().Length, 0, 8 * 1024);
        }
    }

    /// <summary>Beside the reader itself: nothing that it takes is refused, and no wrong word is let through to it.</summary>
    [Fact]
    public void Words_are_right_where_the_reader_finds_them_so()
    {
        string[] pieces =
        [
            "true", "false", "null", "tru", "nil", "t", "f", "n", "\"t\"", "\"\\\"n\"", "\"\\\\\"", "\"", "\\", "\"\\u0074\"", "{", "}", "[", "]", ":", ",", " ", "\n", "1", "-1e5", "\"a\":",
            "\"ä\"", "x",
        ];
        Random random = new(20);
        int taken = 0, wrong = 0;
        for (int i = 0; i < 200_000; i++)
        {
            string text = string.Concat(random.GetItems(pieces, random.Next(1, 8)));
            bool areRight = JsonWords.AreRight(Encoding.UTF8.GetBytes(text));
            switch (Complaint(text))
            {
                case null:
                    taken++;
                    Assert.True(areRight, text);
                    break;
                case string complaint when complaint.Contains("invalid JSON literal", StringComparison.Ordinal):
                    wrong++;
                    Assert.False(areRight, text);
                    break;
            }
        }

        Assert.True(taken > 1000 && wrong > 1000, $"{taken} {wrong}");
    }

    private static string? Complaint(string text)
    {
        Utf8JsonReader reader = new(Encoding.UTF8.GetBytes(text));
        try
        {
            while (reader.Read())
            {
            }

            return null;
        }
        catch (JsonException e)
        {
            return e.Message;
        }
    }
}
