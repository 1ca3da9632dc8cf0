using Ballast.Rpc.Messages;

namespace Ballast.Tests.Documentation;

/// <summary>docs/daemon.md lists the procedures of our own program, so that others can speak it.</summary>
public sealed class ProcedureTableTests
{
    [Fact]
    public void Each_procedure_of_our_program_has_its_row()
    {
        string[] lines = DocumentedCode.Text("docs/daemon.md").Split('\n');
        Assert.All(Enum.GetValues<BallastProcedure>(), procedure =>
        {
            string name = string.Concat(procedure.ToString().Select((letter, i) => i > 0 && char.IsUpper(letter) ? $"_{letter}" : $"{letter}")).ToUpperInvariant();
            Assert.Single(lines, line => line.StartsWith($"| `{name}` | {(int)procedure} | ", StringComparison.Ordinal));
        });
    }
}
