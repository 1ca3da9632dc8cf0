using Ballast.Guests;

namespace Ballast.Tests.Integration.Worlds;

// What happens in a world without Ballast's doing.
internal sealed partial class World
{
    private string? _holder;
    private bool _wasHeld;

    private Task MoveAsync() => _random.Next(23) switch
    {
        < 3 => RenameAsync(),
        < 5 => SwapAsync(),
        < 6 => RemoveAsync(),
        < 10 => ReplaceAsync(),
        < 13 => TakePlaceAsync(),
        < 14 => EndAsync(),
        < 16 => StartAsync(Plan(isReal: false)),
        < 18 => StopOrContinueAsync(),
        < 20 => HoldOrReleaseAsync(),
        < 22 => OpenAsync(isAlone: true),
        _ => Pick(Open) is { } connection ? CloseAsync(connection) : OpenAsync(isAlone: true),
    };

    private async Task RenameAsync()
    {
        (string from, string to) = (Pick(SocketNames)!, Pick(SocketNames)!);
        string answer = await _nursery.TryAsync("rename", _directory.File(from), _directory.File(to));
        Tell($"   rename {from} to {to}: {answer}");
    }

    private async Task SwapAsync()
    {
        (string one, string other) = (Pick(SocketNames)!, Pick(SocketNames)!);
        string answer = await _nursery.TryAsync("swap", _directory.File(one), _directory.File(other));
        Tell($"   swap {one} and {other}: {answer}");
    }

    private Task RemoveAsync()
    {
        string socket = Pick(SocketNames)!;
        File.Delete(_directory.File(socket));
        Tell($"   remove {socket}");
        return Task.CompletedTask;
    }

    /// <summary>One ends, and another takes its paths, name and UUID, or some of them; its process id too, now and then.</summary>
    private async Task ReplaceAsync()
    {
        if (Pick(Living.Where(process => !process.Plan.IsReal).ToArray()) is not { } old)
            return;
        WorldProcessPlan drawn = Plan(isReal: false);
        WorldProcessPlan plan = Chance(50) ? old.Plan
            : Chance(50) ? drawn with { Sockets = old.Plan.Sockets }
            : old.Plan with { Name = drawn.Name, Uuid = drawn.Uuid };
        bool takesPid = Chance(40) && !plan.HasPids;
        await KillAsync(old);

        // No kernel gives an id away again within a tick of its clock.
        if (takesPid)
            await Task.Delay(TimeSpan.FromMilliseconds(30), _token);
        _ = await StartAsync(plan, takesPid ? old.Pid : null);
        await UseAfterDeathAsync(old);
    }

    /// <summary>A handle on a process that is gone, whose place was taken: it must lead to nobody.</summary>
    private async Task UseAfterDeathAsync(WorldProcess dead)
    {
        if (Pick(Handles.Where(handle => handle.Process == dead && !handle.Connection.IsClosed).ToArray()) is not { } handle || Chance(30))
            return;
        if (Chance(60))
            await ListAsync(handle.Connection, isFresh: false, isAlone: true);
        await CallAsync(handle, isAlone: true);
    }

    /// <summary>Another one is started at the same path, while the first lives.</summary>
    private async Task TakePlaceAsync()
    {
        if (Pick(Living) is { } first)
            _ = await StartAsync(Plan(isReal: false) with { Sockets = first.Plan.Sockets, IsPassed = false });
    }

    private async Task EndAsync()
    {
        if (Living is { Length: > 1 } living)
            await KillAsync(Pick(living)!);
    }

    // One at a time: each that does not run costs a second of waiting, now and then.
    private async Task StopOrContinueAsync()
    {
        if (Living.Any(process => process.IsStopped))
        {
            await LetGoOnAsync();
        }
        else if (Pick(Living) is { } process)
        {
            Tell($"   stop {process}");
            ChildProcess.Freeze(process.Pid);
            process.IsStopped = true;
        }
    }

    /// <summary>All go on, and read what was sent to them meanwhile.</summary>
    private async Task LetGoOnAsync()
    {
        foreach (WorldProcess process in Living.Where(process => process.IsStopped))
        {
            Tell($"   continue {process}");
            ChildProcess.Thaw(process.Pid);
            process.IsStopped = false;
            await Task.Delay(TimeSpan.FromMilliseconds(10), _token);
        }
    }

    /// <summary>A program that is not ours connects to a monitor, and leaves it some steps later.</summary>
    private async Task HoldOrReleaseAsync()
    {
        if (_holder is not null)
        {
            await ReleaseAsync();
            return;
        }

        string socket = Pick(SocketNames)!, answer = await _nursery.TryAsync("hold", _directory.File(socket));
        Tell($"   somebody connects to {socket}: {answer}");
        if (answer.StartsWith("error", StringComparison.Ordinal))
            return;
        _holder = answer;
        _wasHeld = true;
    }

    private async Task ReleaseAsync()
    {
        if (_holder is not { } holder)
            return;
        _holder = null;
        _ = await _nursery.AskAsync("kill", holder);
        Tell("   who was connected leaves");
    }

    private async Task OpenAsync(bool isAlone)
    {
        int kind = _random.Next(100);
        bool trusts = Chance(30);
        string path = kind < 45 ? "/" : kind < 80 ? _directory.File("d") : _directory.File(Pick(SocketNames)!);
        ConnectionOptions options = new() { Timeout = TimeSpan.FromSeconds(1), TrustedUserIds = trusts ? [WorldProcessPlan.Nobody] : [] };
        Connection? opened = null;
        _namesPaths |= kind >= 45;
        _trusts |= trusts;
        _ = await TryAsync($"open qmp://{Brief(path)}{(trusts ? " trusting nobody's" : "")}", async () =>
        {
            opened = await Connection.OpenAsync($"qmp://{path}", options, _token);
            return null;
        });
        if (opened is null)
            return;
        WorldConnection connection;
        lock (_gate)
        {
            connection = new WorldConnection($"c{_connections.Count + 1}", opened, kind < 45, trusts);
            _connections.Add(connection);
        }

        Tell($"   that is {connection}");
        await ListAsync(connection, isFresh: true, isAlone);
    }

    private Task<bool> CloseAsync(WorldConnection connection)
    {
        connection.IsClosed = true;
        return TryAsync($"close {connection}", async () =>
        {
            await connection.Connection.DisposeAsync();
            return null;
        });
    }

    private string Brief(string text) => text.Replace(_directory.Path, "", StringComparison.Ordinal);
}
