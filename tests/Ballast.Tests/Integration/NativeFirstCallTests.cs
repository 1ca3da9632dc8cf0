using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>The first calls of a program into the C library. See tests/native/first.c.</summary>
[Trait("needs", "libvirtd")]
public sealed class NativeFirstCallTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public Task A_hundred_starts_whose_threads_race_at_their_first_calls_are_not_lost() => StartAsync(100);

    [Fact]
    [Trait("speed", "long")]
    public Task Two_thousand_starts_whose_threads_race_at_their_first_calls_are_not_lost() => StartAsync(2000);

    [Fact]
    public async Task The_first_call_leaves_nothing_for_two_threads_to_meet_at()
    {
        using NativeProgram program = await NativeProgram.BuildAsync("first", forLibvirt: false, Token);
        Assert.Equal(new CommandResult(0, "", ""), await program.RunAsync(Token, "alone"));
    }

    // The system takes these from each thread's stack, and the runtime asks for small ones.
    [Theory]
    [InlineData(60)]
    [InlineData(300)]
    [InlineData(2000)]
    public async Task A_program_may_have_large_variables_of_each_thread(int kibibytes)
    {
        string text = $$"""
            #include "ballast.h"
            static __thread char large[{{kibibytes}} * 1024];
            int main(void)
            {
                large[0] = 1;
                return virConnectOpen("test:///default") ? 0 : large[0];
            }
            """;
        using NativeProgram program = await NativeProgram.BuildTextAsync(text, forLibvirt: false, Token);
        Assert.Equal(new CommandResult(0, "", ""), await program.RunAsync(Token));
    }

    private static async Task StartAsync(int count)
    {
        using NativeProgram program = await NativeProgram.BuildAsync("first", forLibvirt: false, Token);
        Assert.Equal(new CommandResult(0, $"{count} starts, 0 lost\n", ""), await program.RunAsync(Token, $"{count}"));
    }
}
