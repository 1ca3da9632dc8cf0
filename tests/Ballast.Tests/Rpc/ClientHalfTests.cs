using System.Text.RegularExpressions;
using Ballast.Rpc;
using Ballast.Server.Dispatch;
using Ballast.Tests.Integration;

namespace Ballast.Tests.Rpc;

/// <summary>What the server serves, the client asks, and the C library has a function that leads there.</summary>
public sealed partial class ClientHalfTests
{
    private const string ByOther = "the newer procedure tells the same", OfTheConnection = "a matter of the connection itself";

    /// <summary>What is served for other people's clients alone.</summary>
    private static readonly Dictionary<RemoteProcedure, string> NotAsked = new()
    {
        [RemoteProcedure.ConnectClose] = "the end of the connection says it",
        [RemoteProcedure.ConnectNumOfDomains] = ByOther,
        [RemoteProcedure.ConnectNumOfDefinedDomains] = ByOther,
        [RemoteProcedure.ConnectListDomains] = ByOther,
        [RemoteProcedure.ConnectListDefinedDomains] = ByOther,
        [RemoteProcedure.ConnectDomainEventRegister] = ByOther,
        [RemoteProcedure.ConnectDomainEventDeregister] = ByOther,
        [RemoteProcedure.ConnectDomainEventRegisterAny] = ByOther,
        [RemoteProcedure.ConnectDomainEventDeregisterAny] = ByOther,
        [RemoteProcedure.DomainSetMemory] = ByOther,
        [RemoteProcedure.DomainSetMaxMemory] = ByOther,
        [RemoteProcedure.DomainSetVcpus] = ByOther,
        [RemoteProcedure.DomainGetMaxMemory] = "the domain's info has it",
        [RemoteProcedure.DomainIsActive] = "a lookup by UUID tells it, and whether the domain is there",
        [RemoteProcedure.ConnectGetUri] = "the URI that was opened is kept",
        [RemoteProcedure.ConnectIsSecure] = "the transport is known here",
        [RemoteProcedure.ConnectUnregisterCloseCallback] = "the callback stays as long as the connection",
    };

    /// <summary>What has no function of its name in libvirt's library.</summary>
    private static readonly Dictionary<RemoteProcedure, string> WithoutFunction = new()
    {
        [RemoteProcedure.AuthList] = OfTheConnection,
        [RemoteProcedure.AuthPolkit] = OfTheConnection,
        [RemoteProcedure.AuthSaslInit] = OfTheConnection,
        [RemoteProcedure.AuthSaslStart] = OfTheConnection,
        [RemoteProcedure.AuthSaslStep] = OfTheConnection,
        [RemoteProcedure.ConnectSupportsFeature] = OfTheConnection,
        [RemoteProcedure.ConnectDomainEventCallbackRegisterAny] = "virConnectDomainEventRegisterAny",
        [RemoteProcedure.ConnectDomainEventCallbackDeregisterAny] = "virConnectDomainEventDeregisterAny",
    };

    private static IEnumerable<RemoteProcedure> Served => RemoteProgram.Handlers.Keys.Select(number => (RemoteProcedure)number);

    [Fact]
    public void The_client_asks_all_that_the_server_serves()
    {
        string client = string.Concat(Directory.EnumerateFiles(Path.Combine(NativeProgram.Root, "src/Ballast/Drivers/Remote"), "*.cs").Select(File.ReadAllText));
        HashSet<string> asked = [.. Asked().Matches(client).Select(match => match.Groups[1].Value)];
        Assert.True(asked.Count > 40, $"{asked.Count} procedures are read from the client's half.");
        Assert.Equal(
            NotAsked.Keys.Order(),
            Served.Where(procedure => !asked.Contains(procedure.ToString())).Order());
    }

    [Fact]
    public void The_C_library_has_a_function_for_all_that_the_server_serves()
    {
        string shim = File.ReadAllText(Path.Combine(NativeProgram.Root, "src/Ballast.Native/Shim/forward.c"));
        HashSet<string> functions = new(Function().Matches(shim).Select(match => match.Groups[1].Value), StringComparer.OrdinalIgnoreCase);
        Assert.True(functions.Count > 100, $"{functions.Count} functions are read from the shim.");
        Assert.Equal(
            WithoutFunction.Keys.Order(),
            Served.Where(procedure => !functions.Contains($"vir{procedure}")).Order());
    }

    [GeneratedRegex(@"RemoteProcedure\.(\w+)")]
    private static partial Regex Asked();

    [GeneratedRegex(@"^FORWARD\w*\([^\n]*?\b(vir\w+), \(", RegexOptions.Multiline)]
    private static partial Regex Function();
}
