using System.Runtime.InteropServices;
using Ballast.Interop;

namespace Ballast.Transports;

/// <summary>posix_spawn(3), with what a program of ours gets.</summary>
internal static unsafe class ProgramStart
{
    // More than any C library's structures take.
    private const int StructureBytes = 1024;

    private const short WithSignalMask = 8, WithDefaultSignals = 4;

    private const int SigHup = 1, SigInt = 2, SigQuit = 3, SigPipe = 13, SigChld = 17;

    /// <summary>
    /// What ssh and the programs that it starts look at, as libvirt's client hands them over: one by one, since to ask the runtime for
    /// all would keep it from seeing what a C program changes later.
    /// </summary>
    private static string[] Variables =>
    [
        "DISPLAY", "HOME", "KRB5CCNAME", "LD_LIBRARY_PATH", "LD_PRELOAD", "LOGNAME", "OPENSSL_CONF", "PATH", "SSH_ASKPASS", "SSH_ASKPASS_REQUIRE",
        "SSH_AUTH_SOCK", "TERM", "TMPDIR", "USER", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR",
    ];

    /// <returns>The kernel's error number; 0 where it runs.</returns>
    public static int Spawn(string file, IReadOnlyList<string> arguments, SafeHandle standard, SafeHandle errors, out int pid)
    {
        byte* actions = stackalloc byte[StructureBytes], attributes = stackalloc byte[StructureBytes], signals = stackalloc byte[StructureBytes];
        nint[] words = Texts([file, .. arguments]), environment = Texts(Environment());
        _ = Libc.SpawnActionsInit(actions);
        _ = Libc.SpawnAttributesInit(attributes);
        try
        {
            int input = (int)standard.DangerousGetHandle();
            _ = Libc.SpawnActionsAddDup2(actions, input, 0);
            _ = Libc.SpawnActionsAddDup2(actions, input, 1);
            _ = Libc.SpawnActionsAddDup2(actions, (int)errors.DangerousGetHandle(), 2);
            _ = Libc.SpawnActionsAddCloseFrom(actions, 3);

            // The terminal's Ctrl-C is ours: what has to be put back is sent through it, and then we end it. What the program
            // around us ignores, it shall not.
            _ = Libc.SigEmptySet(signals);
            foreach (int signal in (ReadOnlySpan<int>)[SigHup, SigInt, SigQuit])
                _ = Libc.SigAddSet(signals, signal);
            _ = Libc.SpawnAttributesSetMask(attributes, signals);
            _ = Libc.SigEmptySet(signals);
            foreach (int signal in (ReadOnlySpan<int>)[SigPipe, SigChld])
                _ = Libc.SigAddSet(signals, signal);
            _ = Libc.SpawnAttributesSetDefault(attributes, signals);
            _ = Libc.SpawnAttributesSetFlags(attributes, WithSignalMask | WithDefaultSignals);
            fixed (nint* argv = words, envp = environment)
                return Libc.Spawn(out pid, file, actions, attributes, argv, envp);
        }
        finally
        {
            _ = Libc.SpawnActionsDestroy(actions);
            _ = Libc.SpawnAttributesDestroy(attributes);
            Free(words);
            Free(environment);
        }
    }

    // Its messages in one language.
    private static List<string> Environment()
    {
        List<string> variables = ["LC_ALL=C"];
        foreach (string name in Variables)
        {
            if (System.Environment.GetEnvironmentVariable(name) is { } value)
                variables.Add($"{name}={value}");
        }

        return variables;
    }

    private static nint[] Texts(List<string> texts) => [.. texts.Select(Marshal.StringToCoTaskMemUTF8), 0];

    private static void Free(nint[] texts)
    {
        foreach (nint text in texts)
            Marshal.FreeCoTaskMem(text);
    }
}
