using System.Runtime.CompilerServices;
using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Ballast.Tests;

/// <summary>The layers are folders of one assembly; what may know what is read from the compiled assembly.</summary>
public class ArchitectureTests
{
    private static readonly string[] Api =
    [
        "Ballast.Connection", "Ballast.Domain", "Ballast.DomainStatsRecord",
        "Ballast.DomainEventSubscription", "Ballast.DomainEventFilter", "Ballast.DomainEvent", "Ballast.DomainLifecycleEvent",
        "Ballast.DomainRebootEvent", "Ballast.BalloonChangeEvent", "Ballast.MetadataChangeEvent", "Ballast.EventsMissed",
        "Ballast.DomainMemorySample", "Ballast.DomainProcessMemory", "Ballast.MemoryWatch", "Ballast.MemoryStatsPeriodLease", "Ballast.PeriodLeases",
        "Ballast.ConnectionGroup", "Ballast.ConnectionGroupMember", "Ballast.ConnectionAnswer`1", "Ballast.DaemonSocket",
    ];

    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["model"] = [],
        ["Ballast.Telemetry"] = ["model", "Ballast.Drivers"],
        ["Ballast.Virtio"] = ["model"],
        ["Ballast.Drivers"] = ["model", "Ballast.Virtio"],
        ["Ballast.Drivers.Qemu.Discovery"] = ["model", "Ballast.Drivers", "Ballast.Transports"],
        ["Ballast.Transports"] = ["model"],
        ["Ballast.Sasl"] = ["model"],
        ["Ballast.Drivers.Qemu.Qmp"] = ["model", "Ballast.Virtio", "Ballast.Telemetry", "Ballast.Drivers.Qemu.Discovery", "Ballast.Transports"],
        ["Ballast.Drivers.Qemu.Xml"] = ["model", "Ballast.Drivers", "Ballast.Drivers.Qemu.Qmp", "Ballast.Drivers.Qemu.Discovery"],
        ["Ballast.Drivers.Remote"] = ["model", "Ballast.Telemetry", "Ballast.Drivers", "Ballast.Rpc", "Ballast.Rpc.Messages", "Ballast.Sasl", "Ballast.Transports"],
        ["Ballast.Drivers.Qemu"] =
        [
            "model", "Ballast.Virtio", "Ballast.Telemetry", "Ballast.Drivers", "Ballast.Drivers.Host", "Ballast.Drivers.Qemu.Qmp",
            "Ballast.Drivers.Qemu.Discovery", "Ballast.Drivers.Qemu.Xml", "Ballast.Drivers.Qemu.Processes", "Ballast.Drivers.Qemu.Scopes",
            "Ballast.Drivers.Qemu.Inventory", "Ballast.Drivers.Qemu.Events", "Ballast.Drivers.Qemu.Statistics",
        ],
        ["Ballast.Drivers.Qemu.Events"] = ["model", "Ballast.Telemetry", "Ballast.Drivers", "Ballast.Drivers.Qemu.Qmp", "Ballast.Drivers.Qemu.Inventory"],
        ["Ballast.Drivers.Qemu.Statistics"] =
        [
            "model", "Ballast.Virtio", "Ballast.Drivers", "Ballast.Drivers.Qemu.Qmp", "Ballast.Drivers.Qemu.Processes", "Ballast.Drivers.Qemu.Inventory",
            "Ballast.Drivers.Qemu.Xml",
        ],
        ["Ballast.Drivers.Qemu.Processes"] = ["model", "Ballast.Drivers", "Ballast.Drivers.Qemu.Discovery", "Ballast.Drivers.Qemu.Qmp"],
        ["Ballast.Drivers.Qemu.Scopes"] =
        [
            "model", "Ballast.Drivers", "Ballast.Drivers.Qemu.Discovery", "Ballast.Drivers.Qemu.Qmp", "Ballast.Drivers.Qemu.Processes",
        ],
        ["Ballast.Drivers.Qemu.Inventory"] =
        [
            "model", "Ballast.Virtio", "Ballast.Telemetry", "Ballast.Drivers", "Ballast.Drivers.Qemu.Discovery", "Ballast.Drivers.Qemu.Qmp",
            "Ballast.Drivers.Qemu.Processes", "Ballast.Drivers.Qemu.Scopes",
        ],
        ["Ballast.Drivers.Host"] = ["model", "Ballast.Drivers"],
        ["Ballast.Drivers.Test"] = ["model", "Ballast.Virtio", "Ballast.Drivers", "Ballast.Drivers.Host"],
        ["Ballast.Rpc"] = ["model", "Ballast.Telemetry", "Ballast.Rpc.Messages"],
        ["Ballast.Rpc.Messages"] = ["model", "Ballast.Rpc"],
        ["selection"] = ["model", "Ballast.Drivers", "Ballast.Drivers.Qemu", "Ballast.Drivers.Remote", "Ballast.Drivers.Test"],
        ["api"] = ["model", "Ballast.Telemetry", "Ballast.Drivers", "selection"],
    };

    private static readonly ModuleDefinition Library = ModuleDefinition.ReadModule(typeof(Connection).Assembly.Location);

    [Fact]
    public void Each_layer_knows_only_the_layers_below_it()
    {
        List<string> violations = [];
        foreach (TypeDefinition type in AllTypes(Library).Where(type => type.Namespace.StartsWith("Ballast", StringComparison.Ordinal) || type.IsNested))
        {
            if (Layer(type) is not { } layer)
                continue;
            Assert.True(Allowed.ContainsKey(layer), $"{type.FullName} is in no known layer ({layer}): name it in this test.");
            foreach (TypeReference reference in References(type))
            {
                if (Layer(reference) is { } other && other != layer && !Allowed[layer].Contains(other))
                    violations.Add($"{layer} → {other}: {type.FullName} uses {reference.FullName}");
            }
        }

        Assert.Empty(violations.Distinct());
    }

    [Fact]
    public void The_test_of_layers_sees_what_a_method_uses()
    {
        // Connection's state machine uses IDriver only inside its body: if this is not seen, the test above is blind.
        TypeDefinition connection = Library.GetType("Ballast.Connection");
        Assert.Contains(
            AllTypes(Library).Where(type => Outermost(type) == connection).SelectMany(References),
            reference => reference.FullName == "Ballast.Drivers.IDriver");
    }

    [Fact]
    public void The_library_needs_nothing_but_the_runtime_and_the_interfaces_of_logging()
    {
        string[] foreign = [.. Library.AssemblyReferences.Select(reference => reference.Name)
            .Where(name => !name.StartsWith("System.", StringComparison.Ordinal) && name is not ("Microsoft.Win32.Primitives" or "netstandard" or "Microsoft.Extensions.Logging.Abstractions"))];
        Assert.Empty(foreign);
        Assert.DoesNotContain(Library.AssemblyReferences, reference => reference.Name.Contains("AspNetCore", StringComparison.Ordinal));
    }

    [Fact]
    public void Only_tests_and_the_server_see_the_internals()
    {
        IEnumerable<string?> friends = Library.Assembly.CustomAttributes
            .Where(attribute => attribute.AttributeType.FullName == typeof(InternalsVisibleToAttribute).FullName)
            .Select(attribute => attribute.ConstructorArguments[0].Value as string);
        Assert.Equal(["Ballast.Benchmarks", "Ballast.Fuzz", "Ballast.Guests", "Ballast.Recorder", "Ballast.Server", "Ballast.Tests"], friends.Order());
    }

    [Fact]
    public void Every_public_asynchronous_call_can_be_cancelled()
    {
        string[] forgotten = [.. typeof(Connection).Assembly.GetExportedTypes()
            .SelectMany(type => type.GetMethods())
            .Where(method => method.Name.EndsWith("Async", StringComparison.Ordinal) && method.Name != nameof(IAsyncDisposable.DisposeAsync))
            .Where(method => method.GetParameters() is not [.., { ParameterType.Name: nameof(CancellationToken), HasDefaultValue: true }])
            .Select(method => $"{method.DeclaringType!.Name}.{method.Name}")];
        Assert.Empty(forgotten);
    }

    [Fact]
    public void Nothing_is_decided_by_what_an_error_says()
    {
        // Its text is for people, in whatever language: codes and numbers are for programs.
        Assert.Contains(DecidedByText(ModuleDefinition.ReadModule(typeof(ArchitectureTests).Assembly.Location)), method => method.Contains(nameof(IsDecidedByText), StringComparison.Ordinal));
        Assert.True(IsDecidedByText(new IOException("so it is")));
        Type[] programs = [typeof(Connection), typeof(Ballast.Server.LibvirtServer), typeof(Ballast.Cli.CommandRunner)];
        Assert.Empty(programs.SelectMany(type => DecidedByText(ModuleDefinition.ReadModule(type.Assembly.Location))));
    }

    [Fact]
    public void Others_files_are_looked_at_in_one_place()
    {
        // There a call that does not return is left behind. What the others read is the kernel's, and keeps nobody waiting.
        string[] kernels =
        [
            "QemuDriver.GetCapabilitiesAsync", "QemuProcess.ReadText", "QemuProcess.SeeAll", "SocketHolder.Describe", "SocketHolder.IsBallastd",
        ];
        string[] calls = ["Open", "SyscallOpenAt2", "Read", "ReadLink", "ReadLinkAt", "GetDents64", "Statx", "Connect", "SetNs"];
        string[] found = [.. AllTypes(Library)
            .Where(type => Outermost(type).Namespace.StartsWith("Ballast.Drivers.Qemu", StringComparison.Ordinal))
            .SelectMany(type => type.Methods.Where(method => method.HasBody && method.Body.Instructions.Any(at => IsFileCall(at.Operand)))
                .Select(method => $"{Outermost(type).Name}.{method.Name}"))
            .Where(method => !method.StartsWith("HostCalls.", StringComparison.Ordinal)).Distinct().Order(StringComparer.Ordinal)];
        Assert.Equal(kernels.Order(StringComparer.Ordinal), found);

        bool IsFileCall(object? operand) => operand is MethodReference method && method.DeclaringType.FullName switch
        {
            "Ballast.Interop.Libc" => calls.Contains(method.Name),
            "Ballast.Transports.UnixSocketClient" => method.Name != "Create",
            "System.IO.File" or "System.IO.Directory" or "System.IO.FileInfo" or "System.IO.DirectoryInfo" or "System.IO.FileStream" or "System.IO.RandomAccess" => true,
            _ => false,
        };
    }

    private static bool IsDecidedByText(IOException error) => error.Message?.StartsWith("so it", StringComparison.Ordinal) == true;

    private static IEnumerable<string> DecidedByText(ModuleDefinition module) => AllTypes(module).SelectMany(type => type.Methods)
        .Where(method => method.HasBody && method.Body.Instructions.Any(at => IsErrorText(at.Operand) && ComesToComparison(at)))
        .Select(method => method.FullName);

    private static bool IsErrorText(object? operand) =>
        operand is MethodReference { Name: "get_Message" or "get_Str1" or "get_Str2" or "get_Str3" or "get_Description" }
        or FieldReference { DeclaringType.Name: "RemoteError", Name: "Message" or "Str1" or "Str2" or "Str3" };

    // As far as one expression usually goes: loading what it is compared with, and how.
    private static bool ComesToComparison(Instruction text)
    {
        const int expression = 10;
        Instruction? next = text.Next;
        for (int i = 0; i < expression && next is not null; i++, next = next.Next)
        {
            if (next.Operand is MethodReference { DeclaringType.FullName: "System.String" or "System.MemoryExtensions" or "System.Text.RegularExpressions.Regex" } called
                && called.Name is "StartsWith" or "EndsWith" or "Contains" or "IndexOf" or "Equals" or "op_Equality" or "op_Inequality" or "IsMatch" or "Match")
                return true;
            if (next.Operand is MethodReference && next.OpCode.Code is Code.Call or Code.Callvirt or Code.Newobj)
                return false;
        }

        return false;
    }

    private static string? Layer(TypeReference type)
    {
        type = Outermost(type.GetElementType());
        if (type.Scope is AssemblyNameReference)
            return null;
        if (!type.Namespace.StartsWith("Ballast", StringComparison.Ordinal))
            return null;
        return type.FullName switch
        {
            "Ballast.Drivers.DriverSelection" => "selection",
            "Ballast.Interop.Libc" or "Ballast.Interop.SystemOpenSsl" => "model",
            var name when Api.Contains(name) => "api",
            _ => type.Namespace == "Ballast" ? "model" : type.Namespace,
        };
    }

    private static TypeReference Outermost(TypeReference type)
    {
        while (type.DeclaringType is { } outer)
            type = outer;
        return type;
    }

    private static IEnumerable<TypeDefinition> AllTypes(ModuleDefinition module) =>
        module.Types.SelectMany(WithNested);

    private static IEnumerable<TypeDefinition> WithNested(TypeDefinition type) =>
        type.NestedTypes.SelectMany(WithNested).Prepend(type);

    private static IEnumerable<TypeReference> References(TypeDefinition type)
    {
        IEnumerable<TypeReference> found = type.Fields.Select(field => field.FieldType)
            .Concat(type.Interfaces.Select(implementation => implementation.InterfaceType));
        if (type.BaseType is not null)
            found = found.Append(type.BaseType);
        foreach (MethodDefinition method in type.Methods)
        {
            found = found.Append(method.ReturnType).Concat(method.Parameters.Select(parameter => parameter.ParameterType));
            if (method.HasBody)
                found = found.Concat(method.Body.Variables.Select(variable => variable.VariableType)).Concat(method.Body.Instructions.SelectMany(Operand));
        }

        return found.SelectMany(Parts);
    }

    private static IEnumerable<TypeReference> Operand(Instruction instruction) => instruction.Operand switch
    {
        TypeReference type => [type],
        MethodReference method => [method.DeclaringType, method.ReturnType, .. method.Parameters.Select(parameter => parameter.ParameterType),
            .. (method as GenericInstanceMethod)?.GenericArguments ?? []],
        FieldReference field => [field.DeclaringType, field.FieldType],
        _ => [],
    };

    // An instance of a generic type names its arguments too; arrays and references name their element, pointers to functions what these take.
    private static IEnumerable<TypeReference> Parts(TypeReference type) => type switch
    {
        GenericInstanceType generic => generic.GenericArguments.SelectMany(Parts).Append(generic.ElementType),
        FunctionPointerType function => function.Parameters.Select(parameter => parameter.ParameterType).Append(function.ReturnType).SelectMany(Parts),
        TypeSpecification specification => Parts(specification.ElementType),
        _ => [type],
    };
}
