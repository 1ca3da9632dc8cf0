using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Tests.Drivers.Qemu.Discovery;

public class LateCallsTests
{
    private static readonly TimeSpan Least = LateCalls.Longest / 4;

    private readonly LateCalls _late = new(most: 2, Least);

    [Theory]
    [InlineData(nameof(LookKind.Memory), "/proc/17/cmdline")]
    [InlineData(nameof(LookKind.Paths), "the paths of process 17")]
    [InlineData(nameof(LookKind.Named), "/tmp/s")]
    public void What_was_late_once_is_waited_for_as_long_as_before(string kind, string what)
    {
        LookTarget target = new(Enum.Parse<LookKind>(kind), what);
        _late.Change(target, 1);
        Assert.Equal(LateCalls.Longest, _late.Patience(target));

        _late.Change(target, 1);
        Assert.True(_late.LeavesOut(target));
        Assert.Equal(LateCalls.Shortest, _late.Patience(target));
    }

    [Fact]
    public void The_more_others_are_late_the_shorter_it_is_waited_for()
    {
        LookTarget target = Named(0);
        _late.Change(target, 1);
        TimeSpan before = _late.Patience(target);
        for (int i = 1; i < HangingCalls.MostOfDirectory; i++)
        {
            _late.Change(Named(i), 1);
            TimeSpan patience = _late.Patience(target);
            Assert.InRange(patience, Least, before - TimeSpan.FromMilliseconds(1));
            Assert.InRange(_late.Patience(Named(99)), TimeSpan.Zero, patience);
            before = patience;
        }

        static LookTarget Named(int i) => new(LookKind.Named, $"/tmp/{i}");
    }
}
