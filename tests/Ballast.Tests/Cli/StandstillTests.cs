using System.Text.Json;

namespace Ballast.Tests.Cli;

/// <summary>What to do about a guest that stands still: not all of them run again by being resumed.</summary>
public sealed class StandstillTests
{
    [Theory]
    [InlineData(DomainState.Crashed, 1, "Its system crashed. Look at its console, then start it again: ballast -c fake:/// reset vm")]
    [InlineData(DomainState.Shutdown, 0, "Its system has shut down. End it, or start it again: ballast -c fake:/// reset vm")]
    [InlineData(DomainState.PMSuspended, 0, "It sleeps; wake it up: ballast -c fake:/// dompmwakeup vm")]
    [InlineData(DomainState.Paused, 5, "QEMU could not read or write a disk. Mend or enlarge the storage, then resume it: ")]
    [InlineData(DomainState.Paused, 2, "It is being migrated: wait until that is over")]
    [InlineData(DomainState.Paused, 1, "Resume the domain; a guest reports only while it runs.")]
    [InlineData(null, 0, "Resume the domain; a guest reports only while it runs.")]
    public async Task The_remedy_is_that_of_the_state(DomainState? state, int reason, string remedy)
    {
        FakeDriver driver = new(new FakeDomain("vm", 1)
        {
            Facts = new()
            {
                Entries = [new(MemoryStatTag.Available, 1000), new(MemoryStatTag.LastUpdate, 1_699_999_999)],
                IsRunning = false,
                State = state is { } known ? new DomainStateInfo(known, reason) : null,
            },
        });
        Outcome json = await CliRun.BallastAsync(driver, "dommemstat", "vm", "--json"), text = await CliRun.BallastAsync(driver, "dommemstat", "vm");
        JsonElement sample = JsonDocument.Parse(json.Output).RootElement;
        Assert.Equal("paused", sample.GetProperty("reason").GetString());
        Assert.StartsWith(remedy, sample.GetProperty("remedy").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain(state is DomainState.Crashed ? "Resume the domain" : "nothing such", json.Output + text.Error, StringComparison.Ordinal);
    }
}
