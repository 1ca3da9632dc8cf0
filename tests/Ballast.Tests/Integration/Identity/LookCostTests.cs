using System.Collections.Concurrent;
using System.Globalization;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Guests;

namespace Ballast.Tests.Integration.Identity;

/// <summary>What a list reads of a QEMU, each thing once.</summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class LookCostTests : IdentityTest
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_list_reads_a_command_line_once_and_after_it_connected_no_whole_table(bool isHost)
    {
        string directory = MakeDirectory("x"), socket = $"{directory}/q.sock";
        PlainQemu qemu = await StartAsync("vm", socket);
        ConcurrentQueue<(string Call, string What)> calls = [];
        HostCalls.Fault = (call, what) =>
        {
            calls.Enqueue((call, what));
            return 0;
        };
        try
        {
            await using Connection connection = await OpenAsync(isHost ? Host : $"qmp://{directory}");
            Assert.Equal("vm", (await DomainOfAsync(connection, qemu)).Name);
        }
        finally
        {
            HostCalls.Fault = null;
        }

        string process = string.Create(CultureInfo.InvariantCulture, $"/proc/{qemu.Pid}");
        (string, string)[] all = [.. calls];
        Assert.Single(all, ("open", $"{process}/cmdline"));
        int connected = Array.IndexOf(all, ("connect", socket));
        Assert.NotEqual(-1, connected);
        Assert.DoesNotContain(("open", $"{process}/fd"), all[connected..]);
        Assert.Contains(all[connected..], call => call.Item1 == "readlink" && call.Item2.StartsWith($"{process}/fd/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_a_process_opens_next_has_the_lowest_number_that_is_free()
    {
        await using ChildProcess process = await ChildProcess.StartAsync("bash", ["-c", "exec 4</dev/null 3<&- 7</dev/null; exec sleep infinity"]);

        // The loader opens files as well.
        await Deadline.UntilAsync(Deadline.Default, "sleep", _ => Task.FromResult(
            File.ReadAllText($"/proc/{process.Pid}/comm") == "sleep\n" && ProcessSockets.Read(process.Pid)?.FreeDescriptor == 3), Token);
    }
}
