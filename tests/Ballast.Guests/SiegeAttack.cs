using System.Globalization;

namespace Ballast.Guests;

/// <summary>Attackers of one or of several kinds. They run at the lowest priority, on one processor.</summary>
/// <param name="Name">What they do.</param>
/// <param name="Monitors">Modes of tests/siege/monitor.c, and how many of each.</param>
/// <param name="Readers">Modes of tests/siege/reader.c, and how many clients each has.</param>
/// <param name="Stopped">How many QEMUs are stopped; whoever has them does that.</param>
public sealed record SiegeAttack(
    string Name, IReadOnlyList<(string Mode, int Count)> Monitors, IReadOnlyList<(string Mode, int Count)> Readers, int Stopped = 0)
{
    /// <summary>How monitors flood whoever asks them.</summary>
    public static IReadOnlyList<string> Floods { get; } = ["space-first", "space-greeted", "space", "large-events", "small-events", "tiny-portions"];

    /// <summary>All of them at once.</summary>
    public static SiegeAttack Together(string name, IReadOnlyList<SiegeAttack> attacks) => new(
        name, [.. attacks.SelectMany(attack => attack.Monitors)], [.. attacks.SelectMany(attack => attack.Readers)], attacks.Sum(attack => attack.Stopped));

    /// <param name="programs">The attackers.</param>
    /// <param name="directory">Where the monitors' sockets come.</param>
    /// <param name="socket">Where the clients connect.</param>
    /// <param name="longest">When it ends by itself.</param>
    public async Task<IAsyncDisposable> StartAsync(SiegePrograms programs, string directory, string socket, TimeSpan longest)
    {
        Running running = new(directory);
        string seconds = longest.TotalSeconds.ToString("0", CultureInfo.InvariantCulture);
        try
        {
            foreach ((string mode, int count) in Monitors)
            {
                for (int i = 0; i < count; i++)
                    await running.StartAsync(programs.Monitor, seconds, mode, Path.Combine(directory, $"{Running.Prefix}{mode}-{i}.sock"));
            }

            foreach ((string mode, int count) in Readers)
                await running.StartAsync(programs.Reader, seconds, mode, socket, count.ToString(CultureInfo.InvariantCulture));
        }
        catch
        {
            await running.DisposeAsync();
            throw;
        }

        return running;
    }

    private sealed class Running(string directory) : IAsyncDisposable
    {
        public const string Prefix = "evil-";

        private readonly List<ChildProcess> _attackers = [];

        public async Task StartAsync(string program, params string[] arguments) => _attackers.Add(await ChildProcess.StartAsync(program, arguments));

        public async ValueTask DisposeAsync()
        {
            // One that ended by itself has failed, or was forgotten.
            ChildProcess[] ended = [.. _attackers.Where(attacker => attacker.HasExited)];
            string[] errors = [.. ended.Select(attacker => $"status {attacker.ExitCode} {attacker.Errors}")];
            await Task.WhenAll(_attackers.Select(attacker => attacker.DisposeAsync().AsTask()));
            foreach (string socket in Directory.EnumerateFiles(directory, $"{Prefix}*"))
                File.Delete(socket);
            if (errors.Length > 0)
                throw new InvalidOperationException($"Attackers ended: {string.Join("; ", errors)}");
        }
    }
}
