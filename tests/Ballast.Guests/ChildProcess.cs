using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Ballast.Guests;

/// <summary>How a program ended and what it wrote.</summary>
public sealed record CommandResult(int ExitCode, string Output, string Errors);

/// <summary>A program that never outlives this process, whose standard error is kept.</summary>
public sealed partial class ChildProcess : IAsyncDisposable
{
    private const int SignalHangUp = 1;
    private const int SignalKill = 9;
    private const int SignalTerminate = 15;
    private const int SignalContinue = 18;
    private const int SignalStop = 19;

    private static readonly string[] Setpriv = ["setpriv", "--pdeathsig", "KILL"];

    private static readonly Starter Starting = new();

    private readonly Process _process;
    private readonly StringBuilder _errors = new();
    private bool _disposed;

    private ChildProcess(Process process)
    {
        _process = process;
        Pid = process.Id;
        process.ErrorDataReceived += (_, line) =>
        {
            lock (_errors)
                _errors.AppendLine(line.Data);
        };
        process.BeginErrorReadLine();
    }

    public int Pid { get; }

    public bool HasExited => _process.HasExited;

    public int ExitCode => _process.ExitCode;

    public string Errors
    {
        get
        {
            lock (_errors)
                return _errors.ToString().Trim();
        }
    }

    /// <summary>Starts a program; it runs, or has ended, when this returns.</summary>
    public static async Task<ChildProcess> StartAsync(
        string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        ChildProcess child = new(await Starting.StartAsync(Describe(program, arguments, environment)));
        await Deadline.UntilAsync(
            Deadline.Default, $"start of {program}", _ => Task.FromResult(!child.IsStillSetpriv()), default, TimeSpan.FromMilliseconds(1));
        return child;
    }

    /// <summary>Runs a program to its end and returns all that it wrote, to the letter.</summary>
    public static Task<CommandResult> RunAsync(
        string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null,
        TimeSpan? deadline = null, CancellationToken cancellationToken = default) =>
        Deadline.WithinAsync(deadline ?? TimeSpan.FromSeconds(60), $"end of {program}", async token =>
        {
            var info = Describe(program, arguments, environment);
            info.RedirectStandardInput = true;
            info.RedirectStandardOutput = true;
            using var process = await Starting.StartAsync(info);
            try
            {
                process.StandardInput.Close();
                var output = process.StandardOutput.ReadToEndAsync(token);
                var errors = process.StandardError.ReadToEndAsync(token);
                await process.WaitForExitAsync(token);
                return new CommandResult(process.ExitCode, await output, await errors);
            }
            catch (OperationCanceledException)
            {
                process.Kill();
                throw;
            }
        }, cancellationToken);

    /// <summary>Freezes the process, and returns when all its threads stand still.</summary>
    public Task StopAsync(CancellationToken cancellationToken = default)
    {
        Signal(SignalStop);
        return Deadline.UntilAsync(
            Deadline.Default, $"stop of process {Pid}", _ => Task.FromResult(AllThreadsStopped()), cancellationToken, TimeSpan.FromMilliseconds(1));
    }

    public void Continue() => Signal(SignalContinue);

    public void Kill() => Signal(SignalKill);

    public void HangUp() => Signal(SignalHangUp);

    public Task WaitForExitAsync(CancellationToken cancellationToken = default) =>
        WaitForExitAsync(Deadline.Default, cancellationToken);

    public Task WaitForExitAsync(TimeSpan deadline, CancellationToken cancellationToken = default) =>
        Deadline.WithinAsync(deadline, $"exit of process {Pid}", _process.WaitForExitAsync, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
            return;
        _disposed = true;
        Continue();
        Kill();
        await WaitForExitAsync();
        _process.Dispose();
    }

    /// <summary>Ends a process that a child of ours started.</summary>
    public static void Kill(int pid) => _ = SendSignal(pid, SignalKill);

    public static void Terminate(int pid) => _ = SendSignal(pid, SignalTerminate);

    /// <summary>Freezes (SIGSTOP) a process that a child of ours started.</summary>
    public static void Freeze(int pid) => _ = SendSignal(pid, SignalStop);

    public static void Thaw(int pid) => _ = SendSignal(pid, SignalContinue);

    private static ProcessStartInfo Describe(
        string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment)
    {
        // setpriv sets the death signal and then executes the program: the process id stays.
        var info = new ProcessStartInfo(Setpriv[0], [.. Setpriv[1..], program, .. arguments])
        {
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            info.Environment[name] = value;
        return info;
    }

    /// <summary>Sends a signal by its number.</summary>
    public void Signal(int signal)
    {
        // A process that has exited is reaped, and its number may belong to somebody else.
        if (!_process.HasExited)
            _ = SendSignal(Pid, signal);
    }

    // Its program may be setpriv too, with other arguments.
    private bool IsStillSetpriv()
    {
        try
        {
            return File.ReadAllText($"/proc/{Pid}/cmdline").StartsWith(string.Join('\0', Setpriv) + '\0', StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false; // It has ended.
        }
    }

    private bool AllThreadsStopped() =>
        Directory.EnumerateDirectories($"/proc/{Pid}/task").All(task =>
        {
            try
            {
                var stat = File.ReadAllText(Path.Combine(task, "stat"));
                return stat[stat.LastIndexOf(')') + 2] == 'T';
            }
            catch (IOException)
            {
                return true; // This thread ended meanwhile.
            }
        });

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int pid, int signal);

    /// <summary>
    /// Starts processes from one thread that lives as long as we do. To the kernel, the parent whose death sends the
    /// signal is the thread that forked: a child started by a pool's thread would be killed when the pool retires it.
    /// </summary>
    private sealed class Starter
    {
        private readonly BlockingCollection<Action> _work = [];

        public Starter() => new Thread(() =>
        {
            foreach (var action in _work.GetConsumingEnumerable())
                action();
        })
        { IsBackground = true, Name = "child process starter" }.Start();

        public Task<Process> StartAsync(ProcessStartInfo info)
        {
            var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
            _work.Add(() =>
            {
                try
                {
                    started.SetResult(Process.Start(info)!);
                }
                catch (Exception error)
                {
                    started.SetException(error);
                }
            });
            return started.Task;
        }
    }
}
