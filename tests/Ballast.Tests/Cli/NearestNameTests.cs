using Ballast.Cli.Parsing;

namespace Ballast.Tests.Cli;

/// <summary>What somebody who mistyped a name probably meant.</summary>
public sealed class NearestNameTests
{
    [Theory]
    [InlineData("rde", "red")]
    [InlineData("RED", "red")]
    [InlineData("re", "red")]
    [InlineData("red", null)]
    [InlineData("blue", null)]
    public void It_is_another_one_than_was_typed(string typed, string? meant) => Assert.Equal(meant, NearestName.Among(["red", "yellow"], typed));
}
