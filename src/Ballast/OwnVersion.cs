using System.Reflection;

namespace Ballast;

/// <summary>The version of this build, which is that of all programs made from it.</summary>
internal static class OwnVersion
{
    public static string Text { get; } =
        typeof(OwnVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";
}
