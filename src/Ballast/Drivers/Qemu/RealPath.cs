namespace Ballast.Drivers.Qemu;

/// <summary>One name for each socket, whatever symbolic links lead to it.</summary>
internal static class RealPath
{
    // As the kernel: more links than this are a loop.
    private const int MaxLinks = 40;

    /// <summary>The path without symbolic links; unchanged from where it does not exist.</summary>
    public static string Of(string path)
    {
        string resolved = "/";
        Stack<string> rest = new(Split(path).Reverse());
        for (int links = 0; rest.TryPop(out string? name);)
        {
            string next = Path.Join(resolved, name);
            if (name != ".." && new FileInfo(next).LinkTarget is { } target && ++links <= MaxLinks)
            {
                if (Path.IsPathRooted(target))
                    resolved = "/";
                foreach (string part in Split(target).Reverse())
                    rest.Push(part);
            }
            else
            {
                resolved = name == ".." ? Path.GetDirectoryName(resolved) ?? "/" : next;
            }
        }

        return resolved;
    }

    private static IEnumerable<string> Split(string path) =>
        path.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(part => part != ".");
}
