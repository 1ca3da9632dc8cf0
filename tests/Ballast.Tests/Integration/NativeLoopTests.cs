using System.Reflection;
using Ballast.Guests;
using Ballast.Rpc;

namespace Ballast.Tests.Integration;

/// <summary>Events and the default loop of the C library, as programs know them from libvirt: see tests/native/loops.c.</summary>
[Trait("needs", "libvirtd")]
public sealed class NativeLoopTests
{
    private static readonly Assembly Library = Assembly.Load("Ballast.Native");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("stop", "stopped\n")]
    [InlineData("busy", "8000 came, the last 4\n")]
    [InlineData("late", "6000 came, the last 4\n")]
    [InlineData("swap", "first 3 0\nsecond 4 0\nsecond 3 0\nsecond 4 0\nsecond 3 0\nsecond 4 0\n")]
    [InlineData("twice", null)]
    [InlineData("leave", "0 descriptors more\n")]
    public async Task A_loop_that_runs_on_libvirt_runs_the_same(string part, string? output)
    {
        using NativeProgram program = await NativeProgram.BuildAsync("loops", forLibvirt: true, Token);
        CommandResult theirs = await program.RunOnLibvirtAsync(Token, part);
        Assert.Equal(new CommandResult(0, output ?? theirs.Output, ""), theirs);
        Assert.Equal(theirs, await program.RunAsync(Token, part));
    }

    [Theory]
    [InlineData("error", true)]
    [InlineData("event", true)]
    [InlineData("timer", false)]
    [InlineData("handle", false)]
    public async Task Functions_of_the_program_may_leave_by_a_jump(string part, bool alsoOnLibvirt)
    {
        using NativeProgram program = await NativeProgram.BuildAsync("jumps", forLibvirt: true, Token);
        if (alsoOnLibvirt)
            Assert.Equal(new CommandResult(0, "300 jumps\n", ""), await program.RunOnLibvirtAsync(Token, part));
        Assert.Equal(new CommandResult(0, "300 jumps\n", ""), await program.RunAsync(Token, part));
    }

    [Fact]
    public void Where_too_many_events_wait_the_newest_of_each_domain_and_kind_are_told_last()
    {
        object waiting = Activator.CreateInstance(Library.GetType("Ballast.Native.WaitingEvents", throwOnError: true)!, [3])!;
        Domain[] domains = [.. Enumerable.Range(1, 4).Select(i => new Domain(null!, new DomainIdentity($"d{i}", new Guid(i, 0, 0, new byte[8]), i)))];
        DomainLifecycleEvent Of(int domain, DomainLifecycleChange change) => new(domains[domain], change, 0);

        // Those that fit, and then more: a newer state takes the place of an older, a definition that of none.
        Add(Of(0, DomainLifecycleChange.Suspended), Of(0, DomainLifecycleChange.Resumed), Of(1, DomainLifecycleChange.Started));
        Add(Of(0, DomainLifecycleChange.Suspended), Of(1, DomainLifecycleChange.Suspended), Of(0, DomainLifecycleChange.Resumed), Of(0, DomainLifecycleChange.Defined));
        Assert.Equal(Of(0, DomainLifecycleChange.Suspended), Take());

        // There is room again, but not before all that waits apart was told.
        Add(Of(1, DomainLifecycleChange.Stopped));
        Assert.Equal(
            [
                Of(0, DomainLifecycleChange.Resumed), Of(1, DomainLifecycleChange.Started), Of(0, DomainLifecycleChange.Resumed),
                Of(0, DomainLifecycleChange.Defined), Of(1, DomainLifecycleChange.Stopped),
            ],
            TakeAll());

        // What waits apart is bounded, too.
        Add([.. Enumerable.Repeat(Of(0, DomainLifecycleChange.Resumed), 3)]);
        Add([.. Enumerable.Range(0, 4).Select(i => Of(i, DomainLifecycleChange.Started))]);
        Assert.Equal(6, TakeAll().Count);
        Add(Of(3, DomainLifecycleChange.Stopped));
        Assert.Equal([Of(3, DomainLifecycleChange.Stopped)], TakeAll());

        void Add(params DomainEvent[] happened) => Array.ForEach(happened, one => AddTo(waiting, one));
        object? Take() => TakeFrom(waiting);
        List<object> TakeAll() => TakeAllFrom(waiting);
    }

    [Fact]
    public void Events_with_names_of_megabytes_wait_within_bounds_too()
    {
        const int few = 100, megabyte = 1_000_000, mostMegabytes = 32;
        object waiting = Activator.CreateInstance(Library.GetType("Ballast.Native.WaitingEvents", throwOnError: true)!, [65536])!;
        for (int i = 0; i < few; i++)
            AddTo(waiting, new DomainRebootEvent(new Domain(null!, new DomainIdentity(new string('x', megabyte), new Guid(i, 0, 0, new byte[8]), i))));

        // Those that came first, and the newest of those that did not fit.
        List<object> all = TakeAllFrom(waiting);
        Assert.InRange(all.Count, 2, mostMegabytes / sizeof(char));
        Assert.Equal(0, ((DomainRebootEvent)all[0]).Domain.Id);
        Assert.Equal(few - 1, ((DomainRebootEvent)all[^1]).Domain.Id);

        // What was taken makes room.
        AddTo(waiting, all[0]);
        AddTo(waiting, all[1]);
        Assert.Equal([all[0], all[1]], TakeAllFrom(waiting));
    }

    private static void AddTo(object waiting, object happened) => _ = waiting.GetType().GetMethod("Add")!.Invoke(waiting, [happened]);

    private static object? TakeFrom(object waiting)
    {
        object?[] taken = [null];
        return (bool)waiting.GetType().GetMethod("TryTake")!.Invoke(waiting, taken)! ? taken[0] : null;
    }

    private static List<object> TakeAllFrom(object waiting)
    {
        List<object> all = [];
        while (TakeFrom(waiting) is { } next)
            all.Add(next);
        return all;
    }

    [Fact]
    public void How_a_connection_ended_is_told_by_libvirts_numbers()
    {
        MethodInfo reasonOf = Library.GetType("Ballast.Native.EventQueue+ConnectionLost", throwOnError: true)!.GetMethod("ReasonOf")!;
        Assert.Equal(2, reasonOf.Invoke(null, [RpcErrors.KeepaliveTimeout()]));
        Assert.Equal(1, reasonOf.Invoke(null, [RpcErrors.Lost("end of file")]));
        Assert.Equal(1, reasonOf.Invoke(null, [new IOException()]));
    }
}
