using System.Text;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Tests.Drivers.Qemu;

public sealed class QmpTreeTests
{
    [Fact]
    public void The_longest_answers_of_the_largest_machines_are_trees()
    {
        string cpu = """{"provider": "kvm", "qom-path": "/machine/unattached/device[4095]", "stats": [{"name": "halt_poll_success_ns", "value": 1}, {"name": "halt_poll_fail_ns", "value": 1}]}""";
        string rates = Repeat("""{"id": 4095, "dirty-rate": 1000}""", QmpLimits.MaxElements);

        Assert.Equal(QmpLimits.MaxElements, Tree($"[{Repeat(cpu, QmpLimits.MaxElements)}]")?.GetArrayLength());
        Assert.NotNull(Tree($"{{\"status\": \"measured\", \"vcpu-dirty-rate\": [{rates}]}}"));
    }

    [Theory]
    [InlineData("[{0}]", "[]", QmpLimits.MaxElements, true)]
    [InlineData("[{0}]", "[]", QmpLimits.MaxElements + 1, false)]
    [InlineData("[{0}]", "0", QmpLimits.MaxElements + 1, false)]
    [InlineData("[[{0}]]", "0", QmpLimits.MaxTreeTokens - 4, true)]
    [InlineData("[[{0}]]", "0", QmpLimits.MaxTreeTokens - 3, false)]
    [InlineData("[[{0}]]", "[]", 350_000, false)]
    [InlineData("{{{0}}}", "\"a\": 0", QmpLimits.MaxTreeTokens, false)]
    public void What_has_more_parts_than_any_answer_is_none(string whole, string part, int count, bool isTree) =>
        Assert.Equal(isTree, Tree(string.Format(null, whole, Repeat(part, count))) is not null);

    [Theory]
    [InlineData("""["\ud83d\ude00", "\uD83D\uDE00\uD83D\uDE00", "\\ud800", "\\\\\ud83d\ude00", "é😀", "\u0000", "\""]""", true)]
    [InlineData("""["\ud83d"]""", false)]
    [InlineData("""["\ud83dx\ude00"]""", false)]
    [InlineData("""["\ude00\ud83d"]""", false)]
    [InlineData("""["\\\ud83d"]""", false)]
    [InlineData("""["\ud83d\ud83d\ude00"]""", false)]
    [InlineData("""[{"\ud83d": 0}]""", false)]
    public void What_has_text_that_is_not_Unicode_is_none(string json, bool isTree) => Assert.Equal(isTree, Tree(json) is not null);

    private static System.Text.Json.JsonElement? Tree(string json) => QmpTree.Parse(Encoding.UTF8.GetBytes(json));

    private static string Repeat(string part, int count) => string.Join(',', Enumerable.Repeat(part, count));
}
