using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>Connections that share a monitor each see its process; one that is closed takes only its own view along.</summary>
public sealed class SharedOwnerTests
{
    private readonly MonitorEndpoint _endpoint = new("m", default, null, new HostView(), _ => throw new InvalidOperationException());

    [Fact]
    public void Anothers_view_of_the_process_stands_in_for_one_that_is_closed()
    {
        View first = new(5), second = new(5);
        _endpoint.Owner = first;
        _endpoint.AddOwner(second, isProven: false);
        Assert.Same(first, _endpoint.Owner);

        first.IsClosed = true;

        Assert.Same(second, _endpoint.Owner);
        Assert.True(_endpoint.CheckPeer(new UnixSocketPeer(5, 0, IsAlive: true)));
    }

    [Fact]
    public void Another_process_is_no_owner_while_there_is_one()
    {
        View first = new(5);
        _endpoint.Owner = first;
        _endpoint.AddOwner(new View(6), isProven: true);
        Assert.Same(first, _endpoint.Owner);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Where_nobody_is_known_only_proof_makes_an_owner(bool isProven)
    {
        View first = new(5);
        _endpoint.AddOwner(first, isProven);
        Assert.Equal(isProven ? first : null, _endpoint.Owner);
    }

    [Fact]
    public void Views_that_were_closed_are_not_kept()
    {
        View last = new(5);
        _endpoint.Owner = new View(5) { IsClosed = true };
        _endpoint.AddOwner(last, isProven: false);
        last.IsClosed = true;
        View next = new(5);
        _endpoint.AddOwner(next, isProven: false);
        Assert.Same(next, _endpoint.Owner);
    }

    private sealed class View(int pid) : IMonitorOwner
    {
        public int Pid => pid;

        public bool IsClosed { get; set; }

        public bool HasExited => IsClosed ? throw new ObjectDisposedException(nameof(View)) : false;

        public bool Binds(string? boundName) => true;

        public bool MayBeCalled(string? name) => true;

        public IReadOnlyList<string> BalloonsLikely => [];

        public bool? HasSocket(uint inode) => null;
    }
}
