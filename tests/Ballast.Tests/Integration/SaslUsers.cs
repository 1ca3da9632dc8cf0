using System.Diagnostics;
using System.Text;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>A daemon's file of users, with the program that keeps it, in a directory of its own.</summary>
internal sealed class SaslUsers : IDisposable
{
    public const string User = "ann", Password = "correct horse, battery=staple";

    private readonly PrivateDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The file of users.</summary>
    public string Path => File("users");

    /// <summary>Where a test writes a daemon's configuration.</summary>
    public string Config => File("ballastd.conf");

    public string File(string name) => _directory.File(name);

    public void Dispose() => _directory.Dispose();

    public async Task AddAsync(string user, string password) => Assert.Equal((0, "", ""), await PasswdAsync($"{password}\n", user));

    public Task<(int Status, string Output, string Errors)> PasswdAsync(string typed, params string[] arguments) =>
        PasswdAsync(typed, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), arguments);

    public async Task<(int Status, string Output, string Errors)> PasswdAsync(string typed, Encoding encoding, params string[] arguments)
    {
        string config = File("users.conf");
        await System.IO.File.WriteAllTextAsync(config, $"sasl_users = \"{Path}\"\n", Token);
        using Process process = Process.Start(new ProcessStartInfo(BallastDaemon.Program, ["passwd", "--config", config, .. arguments])
        {
            RedirectStandardInput = true,
            StandardInputEncoding = encoding,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        await process.StandardInput.WriteAsync(typed.AsMemory(), Token);
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(Token);
        Task<string> errors = process.StandardError.ReadToEndAsync(Token);
        await process.WaitForExitAsync(Token);
        return (process.ExitCode, await output, await errors);
    }
}
