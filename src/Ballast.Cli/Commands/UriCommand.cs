using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

internal static class UriCommand
{
    public static Command Command { get; } = new("uri", "show the URI of the connection")
    {
        Execute = Execute,
    };

    private static ValueTask Execute(CommandInvocation invocation)
    {
        invocation.Out.WriteLine(SafeText.Escape(invocation.Connection.Uri));
        return default;
    }
}
