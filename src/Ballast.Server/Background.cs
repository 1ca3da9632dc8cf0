namespace Ballast.Server;

/// <summary>What a program around the server does with nobody above it who catches: an exception there would end the program.</summary>
internal static class Background
{
    /// <summary>Somebody is told of each exception that was caught there, in the library and the server too; must not throw.</summary>
    public static event Action<Exception>? Failed
    {
        add => Unattended.Failed += value;
        remove => Unattended.Failed -= value;
    }

    /// <summary>Something was caught elsewhere, and is not to be hidden.</summary>
    public static void Note(Exception error) => Unattended.Note(error);

    /// <summary>Does something now.</summary>
    public static void Run(Action work) => Unattended.Run(work);

    /// <summary>A thread of its own, which does not keep the program from ending; false where the system has no room for one.</summary>
    public static bool TryStartThread(string name, Action run) => Unattended.TryStartThread(name, run, out _);

    /// <summary>A timer whose next turn comes whatever happens in this one.</summary>
    public static ITimer CreateTimer(Action work, TimeSpan due, TimeSpan period) =>
        Unattended.CreateTimer(TimeProvider.System, static work => work(), work, due, period);
}
