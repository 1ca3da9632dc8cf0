using Ballast.Server;
using Ballast.Tests.Drivers.Qemu;
using Ballast.Tests.Integration;
using Ballast.Tests.Performance;
using Microsoft.Extensions.Time.Testing;
using Mono.Cecil;

namespace Ballast.Tests;

/// <summary>Where nobody catches, an exception ends the program around us: so all such work begins in one place. Its count is the process's.</summary>
[Collection(AlonePerProcess.Name)]
public sealed class UnattendedTests
{
    private static readonly Exception Trouble = new InvalidOperationException("trouble");

    // What begins such work, or lets what a callback throws out where somebody cancels.
    private static readonly string[] Raw =
    [
        "System.Threading.Thread::.ctor", "System.Threading.Timer::.ctor", "System.TimeProvider::CreateTimer",
        "System.Threading.ThreadPool::QueueUserWorkItem", "System.Threading.ThreadPool::UnsafeQueueUserWorkItem",
        "System.Threading.CancellationToken::Register", "System.Threading.CancellationToken::UnsafeRegister",
        "System.Runtime.CompilerServices.AsyncVoidMethodBuilder::Create",
    ];

    // Each says why nothing can come out of it.
    private static readonly string[] Known =
    [
        // The beginning of all that.
        "Ballast.Unattended",

        // Enters a lock, and nothing else.
        "Ballast.Native.Startup",

        // Sets a flag, or ends at once.
        "Ballast.Native.PoolCheck",
    ];

    private static readonly string[] Programs =
    [
        typeof(Connection).Assembly.Location, typeof(LibvirtServer).Assembly.Location, Path.Combine(AppContext.BaseDirectory, "Ballast.Native.dll"),
    ];

    [Fact]
    public void Work_that_nobody_watches_begins_in_one_place()
    {
        Assert.Contains(Begun(typeof(UnattendedTests).Assembly.Location), found => found.Contains(nameof(Work_that_this_test_sees), StringComparison.Ordinal));
        Assert.DoesNotContain(Programs.SelectMany(Begun), found => !Known.Any(known => found.StartsWith(known, StringComparison.Ordinal)));
    }

    [Fact]
    public void The_daemon_begins_such_work_by_the_server()
    {
        // The tests do not have its assembly. Its tokens are the web server's, which logs what their callbacks throw.
        string sources = Path.Combine(NativeProgram.Root, "src/Ballast.Daemon");
        string[] raw = ["new Timer(", "new Thread(", "Thread thread = new", ".CreateTimer(", "QueueUserWorkItem(", "async void"];
        foreach (string file in Directory.GetFiles(sources, "*.cs", SearchOption.AllDirectories))
        {
            string text = File.ReadAllText(file).Replace("Background.CreateTimer(", "", StringComparison.Ordinal);
            Assert.DoesNotContain(raw, form => text.Contains(form, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Nobody_cancels_what_throws_back_at_him()
    {
        string[] programs = [typeof(Connection).Assembly.Location, typeof(LibvirtServer).Assembly.Location];
        IEnumerable<string> cancelling = programs.SelectMany(program => Calls(program, called => called is "System.Threading.CancellationTokenSource::Cancel"));

        // A source of a call's own, whose token only that call's message has.
        Assert.DoesNotContain(cancelling, found => !found.StartsWith("Ballast.Unattended", StringComparison.Ordinal) && !found.Contains("RpcClient", StringComparison.Ordinal));
    }

    [Fact]
    public void A_finalizer_is_nobodys()
    {
        Assert.DoesNotContain(
            Programs.SelectMany(program => ModuleDefinition.ReadModule(program).GetTypes()).SelectMany(type => type.Methods), method => method.Name == "Finalize");
    }

    [Fact]
    public void A_timer_goes_on_after_a_turn_that_failed()
    {
        FakeTimeProvider time = new();
        int turns = 0;
        long before = Unattended.Failures;
        using ITimer timer = Unattended.CreateTimer<Action>(time, static turn => turn(), Turn, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        time.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal((3, 3), (turns, Unattended.Failures - before));

        void Turn()
        {
            turns++;
            throw Trouble;
        }
    }

    [Fact]
    public void Who_cancels_is_not_told_what_others_throw()
    {
        using CancellationTokenSource source = new();
        Told failing = new() { OnCancelled = () => throw Trouble }, other = new();
        using CancellationTokenRegistration first = Unattended.Register(other, source.Token), second = Unattended.Register(failing, source.Token);
        source.Cancel();
        Assert.Equal((1, 1), (failing.Count, other.Count));

        using CancellationTokenSource raw = new();
        using CancellationTokenRegistration third = raw.Token.Register(() => throw Trouble);
        Unattended.Cancel(raw);
        Assert.True(raw.IsCancellationRequested);
    }

    [Fact]
    public async Task Threads_and_the_pools_items_end_alone()
    {
        List<Exception> heard = [];
        void Hear(Exception error)
        {
            lock (heard)
                heard.Add(error);
            throw Trouble;
        }

        Unattended.Failed += Hear;
        try
        {
            Assert.True(Unattended.TryStartThread("Ballast test", () => throw Trouble, out Thread thread));
            Assert.True(thread.Join(Waiting.Limit));
            Unattended.Queue(static trouble => throw trouble, Trouble);
            await Waiting.UntilAsync("both", () =>
            {
                lock (heard)
                    return heard.Count == 2;
            });
        }
        finally
        {
            Unattended.Failed -= Hear;
        }
    }

    // Not to be called: what the test looks for is here.
    private static void Work_that_this_test_sees() => new Thread(static () => { }).Start();

    private static IEnumerable<string> Begun(string program) => Calls(program, called => Raw.Contains(called));

    private static IEnumerable<string> Calls(string program, Func<string, bool> isMeant) => ModuleDefinition.ReadModule(program).GetTypes()
        .SelectMany(type => type.Methods).Where(method => method.HasBody)
        .SelectMany(method => method.Body.Instructions
            .Where(at => at.Operand is MethodReference called && isMeant($"{called.DeclaringType.FullName}::{called.Name}"))
            .Select(at => $"{method.DeclaringType.FullName}::{method.Name} calls {((MethodReference)at.Operand).Name}"));

    private sealed class Told : ICancellable
    {
        public Action? OnCancelled { get; init; }

        public int Count { get; private set; }

        public void Cancel(CancellationToken token)
        {
            Count++;
            OnCancelled?.Invoke();
        }
    }
}
