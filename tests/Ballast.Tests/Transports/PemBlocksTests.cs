using System.Text;
using Ballast.Transports;

namespace Ballast.Tests.Transports;

/// <summary>What stands around the blocks of a PEM file.</summary>
public sealed class PemBlocksTests
{
    private const string Block = "-----BEGIN X-----\nAAAA\n-----END X-----\n";

    [Theory]
    [InlineData("-----\n" + Block)]
    [InlineData("a title\r\n-----\r\n" + Block + "-----\r\nend\n")]
    [InlineData(Block + "----------\n")]
    public void A_line_of_dashes_is_text(string text) => Assert.Equal([new byte[3]], PemBlocks.Read(Encoding.ASCII.GetBytes(text), "X"));

    [Theory]
    [InlineData(Block + "-----BE\n")]
    [InlineData("-----B\n" + Block)]
    [InlineData(Block + "-----")]
    [InlineData(Block + "--")]
    public void A_part_of_a_first_line_is_none(string text) =>
        Assert.Throws<FormatException>(() => PemBlocks.Read(Encoding.ASCII.GetBytes(text), "X"));
}
