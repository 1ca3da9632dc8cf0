using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>
/// Tests that look at all QEMUs of the host: they would connect to the monitors of others that run at the same time.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class ExclusiveCollection
{
    public const string Name = "exclusive";

    private static readonly Lazy<PrivateDirectory> NoQemu = new(static () => new PrivateDirectory());

    /// <summary>A daemon's arguments; one that names no monitors finds none, unless the test runs alone.</summary>
    public static string[] WithoutOthers(string[] arguments) =>
        arguments.Contains("--qmp") || TestContext.Current.TestCollection?.TestCollectionDisplayName == Name
            ? arguments
            : [.. arguments, "--qmp", NoQemu.Value.Path];
}
