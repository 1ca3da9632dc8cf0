using Ballast.Balance.Simulation;
using Ballast.Guests.Scenarios;

namespace Ballast.Tests.Balance;

public sealed class GeneratedScenarioTests
{
    [Fact]
    public void A_seed_gives_what_the_reference_makes_of_it()
    {
        Assert.All(Enumerable.Range(1, 10), seed =>
        {
            Scenario made = GeneratedScenario.Create(seed), known = ReferenceFigures.Load($"g{seed}");
            Assert.Equal(
                (known.About, known.Memory, known.Overhead, known.Reserve, known.Seconds),
                (made.About, made.Memory, made.Overhead, made.Reserve, made.Seconds));
            Assert.Equal(known.Guests.Select(Fixed), made.Guests.Select(Fixed));
            foreach ((GuestScenario one, GuestScenario other) in known.Guests.Zip(made.Guests))
            {
                Assert.All(Enumerable.Range(0, made.Seconds + 1), time => Assert.Equal(
                    (one.Anonymous.At(time), one.Hot.At(time), one.Shared.At(time)), (other.Anonymous.At(time), other.Hot.At(time), other.Shared.At(time))));
            }
        });
    }

    private static object Fixed(GuestScenario guest) => (
        guest.Name, guest.Maximum, guest.Minimum, guest.Data, guest.SilentFrom, guest.DeafFrom, guest.Claims, guest.TotalStays, guest.Shares, guest.Start);
}
