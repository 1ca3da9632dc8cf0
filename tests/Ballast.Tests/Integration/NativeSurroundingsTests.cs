using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>What the C library leaves to the program around it: see tests/native/surroundings.c, and arguments.c for what programs may give it.</summary>
[Trait("needs", "libvirtd")]
public sealed class NativeSurroundingsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("signals")]
    [InlineData("loop")]
    public async Task A_program_keeps_what_it_has_with_libvirt(string part)
    {
        using NativeProgram program = await NativeProgram.BuildAsync("surroundings", forLibvirt: true, Token);
        Assert.Equal(new CommandResult(0, "", ""), await program.RunOnLibvirtAsync(Token, part));
        Assert.Equal(new CommandResult(0, "", ""), await program.RunAsync(Token, part));
    }

    // libvirt's own threads take the program's signals where it blocks them late.
    [Theory]
    [InlineData("masks")]
    [InlineData("room")]
    [InlineData("settings")]
    [InlineData("memory")]
    [InlineData("data")]
    [InlineData("files")]
    public async Task It_takes_no_signals_ends_no_process_and_hears_nothing_that_is_meant_for_others(string part)
    {
        using NativeProgram program = await NativeProgram.BuildAsync("surroundings", forLibvirt: true, Token);
        Assert.Equal(new CommandResult(0, "", ""), await program.RunAsync(Token, part));
    }

    [Theory]
    [InlineData("watches")]
    [InlineData("looks")]
    [InlineData("memory")]
    public async Task Where_there_is_no_room_for_a_thread_more_calls_go_on_or_say_so(string part)
    {
        using NativeProgram program = await NativeProgram.BuildAsync("crowded", forLibvirt: false, Token);
        Assert.Equal(new CommandResult(0, "", ""), await program.RunAsync(Token, part));
    }

    // A newer libvirt has other texts.
    [Fact]
    [Trait("oracle", "libvirt 9.0")]
    public async Task Arguments_at_their_edges_are_answered_as_libvirt_answers()
    {
        using NativeProgram program = await NativeProgram.BuildAsync("arguments", forLibvirt: true, Token);
        CommandResult theirs = await program.RunOnLibvirtAsync(Token);
        CommandResult ours = await program.RunAsync(Token);
        Assert.Equal((0, 0), (theirs.ExitCode, ours.ExitCode));
        string[] lines = theirs.Output.Split('\n');
        Assert.True(lines.Length > 1000, $"{lines.Length} answers");
        Assert.Equal(lines, ours.Output.Split('\n'));
    }
}
