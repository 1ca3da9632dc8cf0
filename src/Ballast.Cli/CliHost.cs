namespace Ballast.Cli;

/// <summary>Opens a connection; null stands for the default URI.</summary>
internal delegate ValueTask<Connection> ConnectionOpener(
    string? uri, ConnectionOptions options, CancellationToken cancellationToken);

/// <summary>What the program needs of the process around it, so that tests run it inside theirs.</summary>
internal sealed record CliHost(Stream StandardOutput, Stream StandardError)
{
    public Func<string, string?> Variable { get; init; } = Environment.GetEnvironmentVariable;

    public ConnectionOpener Open { get; init; } = Connection.OpenAsync;

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
