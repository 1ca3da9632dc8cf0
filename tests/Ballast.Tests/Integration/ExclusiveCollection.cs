namespace Ballast.Tests.Integration;

/// <summary>
/// Tests that look at all QEMUs of the host: they would connect to the monitors of others that run at the same time.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class ExclusiveCollection
{
    public const string Name = "exclusive";
}
