using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Tests.Drivers.Qemu.Discovery;

/// <summary>The pool is the whole program's: what looks put on is taken off again, and nothing else.</summary>
public sealed class PoolMinimumTests
{
    private const int Most = 4;

    private int _workers = 2;

    [Fact]
    public void What_was_put_on_is_taken_off()
    {
        PoolMinimum minimum = Make();
        minimum.Change(1);
        minimum.Change(1);
        Assert.Equal(4, _workers);
        minimum.Change(-1);
        Assert.Equal(3, _workers);
        minimum.Change(-1);
        Assert.Equal(2, _workers);
    }

    [Fact]
    public void What_could_not_be_put_on_is_not_taken_off()
    {
        _workers = 3;
        PoolMinimum minimum = Make();
        for (int i = 0; i < 3; i++)
            minimum.Change(1);
        Assert.Equal(Most, _workers);
        minimum.Change(-1);
        minimum.Change(-1);
        Assert.Equal(Most, _workers);
        minimum.Change(-1);
        Assert.Equal(3, _workers);
    }

    [Fact]
    public void What_the_program_has_set_meanwhile_stays()
    {
        PoolMinimum minimum = Make();
        minimum.Change(1);
        _workers = 2;
        minimum.Change(-1);
        Assert.Equal(2, _workers);
        minimum.Change(1);
        Assert.Equal(3, _workers);
        minimum.Change(-1);
        Assert.Equal(2, _workers);
    }

    private PoolMinimum Make() => new(
        () => _workers,
        workers =>
        {
            if (workers > Most)
                return false;
            _workers = workers;
            return true;
        });
}
