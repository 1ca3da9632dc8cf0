using System.Globalization;
using Ballast.Guests;

namespace Ballast.Tests.Integration.Worlds;

/// <summary>
/// A world made of a seed: a few processes that are QEMUs or pretend to be, whose paths, names and UUIDs collide, in
/// namespaces, roots and users of their own; a few connections that look at them; and some steps in which handles are used
/// and things move. What each process was told, by its own log, is held against what was asked of whom.
/// </summary>
internal sealed partial class World : IAsyncDisposable
{
    private const int MaxHandles = 40;

    // Longer than any call may take, whose waits have a deadline of a second each.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly int _seed;
    private readonly Nursery _nursery;
    private readonly string _programs;
    private readonly CancellationToken _token;
    private readonly PrivateDirectory _directory = new();
    private readonly List<string> _story = [];
    private readonly List<WorldProcess> _processes = [];
    private readonly List<WorldConnection> _connections = [];
    private readonly List<WorldHandle> _handles = [];
    private readonly Lock _gate = new();
    private Random _random;
    private int _tokens;
    private int _values;

    private World(int seed, Nursery nursery, string programs, CancellationToken token)
    {
        _seed = seed;
        _nursery = nursery;
        _programs = programs;
        _token = token;
        _random = RandomOf(0);
    }

    /// <summary>The whole life of a world.</summary>
    public static async Task<WorldOutcome> RunAsync(int seed, Nursery nursery, string programs, CancellationToken token)
    {
        await using World world = new(seed, nursery, programs, token);
        try
        {
            await world.LiveAsync();
            return new WorldOutcome(null, "", world._calls, world._answered);
        }
        catch (WorldViolation violation)
        {
            return new WorldOutcome(violation, world.Story, world._calls, world._answered);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"World {seed} could not be made:\n{world.Story}", e);
        }
    }

    private string Story
    {
        get
        {
            lock (_gate)
                return string.Join('\n', _story);
        }
    }

    public async ValueTask DisposeAsync()
    {
        // Of a world that ended well, all are closed; of another, what happened is known already.
        await Task.WhenAll(Open.Select(async connection =>
            await connection.Connection.DisposeAsync().AsTask().WaitAsync(Patience, CancellationToken.None)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing)));
        await ReleaseAsync();
        foreach (WorldProcess process in Processes)
            _ = await _nursery.TryAsync("kill", Text(process.Pid));
        _directory.Dispose();
    }

    private async Task LiveAsync()
    {
        MakeDirectories();
        int count = _random.Next(2, 7), steps = _random.Next(5, 16);
        bool hasReal = Chance(10);
        for (int i = 0; i < count; i++)
            await StartAsync(Plan(isReal: hasReal && i == 0));
        for (int i = _random.Next(1, 4); i > 0; i--)
            await OpenAsync(isAlone: true);
        await JudgeAsync();
        for (int step = 1; step <= steps; step++)
        {
            // Each step draws for itself, so that a step that goes otherwise does not change all that follow.
            _random = RandomOf(step);
            Tell($"{step}.");
            await StepAsync();
            await JudgeAsync();
        }

        await LetGoOnAsync();
        foreach (WorldConnection connection in Open)
            await CloseAsync(connection);
        await JudgeAsync();
    }

    private async Task StepAsync()
    {
        WorldConnection? connection = Pick(Open);
        switch (_random.Next(100))
        {
            case < 45 when PickHandle() is { } handle:
                await CallAsync(handle, isAlone: true);
                break;
            case < 56 when connection is not null:
                await ListAsync(connection, isFresh: false, isAlone: true);
                break;
            case < 64 when connection is not null:
                await LookUpAsync(connection);
                break;
            case < 68 when connection is not null:
                await BulkAsync(connection);
                break;
            case < 90:
                await MoveAsync();
                break;
            default:
                await TogetherAsync();
                break;
        }
    }

    /// <summary>Several things at once: calls beside each other, beside connections that come and go, and beside moves.</summary>
    private async Task TogetherAsync()
    {
        Tell("   all at once:");
        List<Task> all = [];
        for (int i = _random.Next(2, 6); i > 0; i--)
        {
            WorldConnection? connection = Pick(Open);
            all.Add(_random.Next(10) switch
            {
                < 6 when PickHandle() is { } handle => CallAsync(handle, isAlone: false),
                6 when connection is not null => ListAsync(connection, isFresh: false, isAlone: false),
                7 when connection is not null => CloseAsync(connection),
                8 => RenameAsync(),
                _ => OpenAsync(isAlone: false),
            });
        }

        await Task.WhenAll(all);
    }

    private void MakeDirectories()
    {
        SetMode(_directory.Path, (UnixFileMode)0x1ED);
        foreach (string name in (ReadOnlySpan<string>)["d", "e"])
            MakeOpenDirectory(_directory.File(name));
    }

    // Other users put sockets there too.
    private static void MakeOpenDirectory(string path)
    {
        _ = Directory.CreateDirectory(path);
        SetMode(path, (UnixFileMode)0x1FF);
    }

    private static void SetMode(string path, UnixFileMode mode)
    {
        if (OperatingSystem.IsWindows())
            throw new PlatformNotSupportedException();
        File.SetUnixFileMode(path, mode);
    }

    private WorldProcess[] Processes
    {
        get
        {
            lock (_gate)
                return [.. _processes];
        }
    }

    private WorldProcess[] Living => [.. Processes.Where(process => !process.IsDead)];

    private WorldConnection[] Open
    {
        get
        {
            lock (_gate)
                return [.. _connections.Where(connection => !connection.IsClosed)];
        }
    }

    private WorldHandle[] Handles
    {
        get
        {
            lock (_gate)
                return [.. _handles];
        }
    }

    // Mostly of connections that are open, and of processes that live.
    private WorldHandle? PickHandle()
    {
        WorldHandle[] good = [.. Handles.Where(handle => !handle.Connection.IsClosed && !handle.Process.IsDead)];
        return Chance(85) && good.Length > 0 ? Pick(good) : Pick(Handles);
    }

    private T? Pick<T>(IReadOnlyList<T> list)
        where T : class => list.Count == 0 ? null : list[_random.Next(list.Count)];

    private bool Chance(int percent) => _random.Next(100) < percent;

    private Random RandomOf(int step) => new(unchecked((_seed * 7919) + step));

    private void Tell(string line)
    {
        lock (_gate)
            _story.Add(line);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>What became of a world.</summary>
/// <param name="Violation">What was violated; null where nothing was.</param>
/// <param name="Story">Who was who, and each step until then.</param>
/// <param name="Calls">How many calls were made.</param>
/// <param name="Answered">How many of them did not fail.</param>
internal sealed record WorldOutcome(WorldViolation? Violation, string Story, int Calls, int Answered);

/// <summary>A connection of a world.</summary>
internal sealed class WorldConnection(string name, Connection connection, bool isHost, bool trustsNobody)
{
    public Connection Connection => connection;

    /// <summary>It looks at the host's processes; otherwise at a directory or a socket that was named.</summary>
    public bool IsHost => isHost;

    public bool IsClosed { get; set; }

    /// <summary>Who was listed last as what.</summary>
    public Dictionary<WorldProcess, (string Name, Guid Uuid)> Listed { get; } = [];

    /// <summary>Whether what a process says about itself is believed there.</summary>
    public bool Believes(WorldProcess process) => process.Plan.Owner == 0 || trustsNobody;

    public override string ToString() => name;
}

/// <summary>A handle that was listed, and the process that it was listed with.</summary>
internal sealed record WorldHandle(WorldConnection Connection, Domain Domain, WorldProcess Process)
{
    public override string ToString() => $"{Connection} '{Domain.Name}' {Process}";
}
