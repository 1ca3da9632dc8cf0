using Ballast.Drivers.Qemu.Discovery;
using Ballast.Guests;

namespace Ballast.Tests.Integration.Identity;

/// <summary>A QEMU that ends while all are asked is left out of the answer, and takes nothing from the others.</summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class EndedInBulkTests : IdentityTest
{
    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task One_that_ends_while_another_is_waited_for_is_left_out(bool areSamples, bool canLookFail)
    {
        const int inputOutput = 5;
        string place = MakeDirectory("place"), odd = Path.Combine(place, "odd");
        await File.WriteAllTextAsync(odd, "", Token);
        PlainQemu ending = await StartAsync("ending", Path.Combine(place, "a"));
        _ = await StartAsync("staying", Path.Combine(place, "b"));

        // It has to be asked for its name before the others are asked anything, and is silent.
        PlainQemu nameless = await StartAsync(null, Path.Combine(place, "c"));
        await nameless.StopAsync(Token);
        await using Connection connection = await OpenAsync($"qmp://{place}");
        if (canLookFail)
            HostCalls.Fault = (_, what) => what == odd ? inputOutput : 0;
        try
        {
            Task<string[]> asking = NamesAsync();
            await Task.Delay(TimeSpan.FromMilliseconds(200), Token);
            ChildProcess.Kill(ending.Pid);
            string[] names = await asking.WaitAsync(TimeSpan.FromSeconds(60), Token);

            Assert.Contains("staying", names);
            Assert.DoesNotContain("ending", names);
        }
        finally
        {
            HostCalls.Fault = null;
            nameless.Continue();
        }

        async Task<string[]> NamesAsync() => areSamples
            ? [.. (await connection.GetAllMemoryStatsAsync(cancellationToken: Token)).Select(sample => sample.Domain.Name)]
            : [.. (await connection.GetAllDomainStatsAsync(DomainStatsGroups.State | DomainStatsGroups.Balloon, cancellationToken: Token)).Select(record => record.Domain.Name)];
    }
}
