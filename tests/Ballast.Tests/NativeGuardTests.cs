using System.Runtime.InteropServices;
using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Ballast.Tests;

/// <summary>
/// An exception that leaves a function which C calls ends the program that loaded the library. Whether one can is read from
/// the compiled assembly: what may throw stands where everything is caught, and what is done with what was caught cannot throw.
/// </summary>
public class NativeGuardTests
{
    private const string ErrorPath = "Ballast.Native.Failure";

    private static readonly ModuleDefinition Library = ModuleDefinition.ReadModule(Path.Combine(AppContext.BaseDirectory, "Ballast.Native.dll"));

    [Fact]
    public void No_exception_leaves_a_function_that_C_calls()
    {
        MethodDefinition[] entries = [.. AllMethods().Where(IsCalledByC)];
        Assert.True(entries.Length > 120, $"{entries.Length} functions are called by C.");
        AssertNone(entries.Where(entry => !IsGuarded(entry)).Select(entry => $"{entry.DeclaringType.Name}.{entry.Name}: {WhatThrows(entry)}"));
    }

    [Fact]
    public void No_exception_leaves_the_error_path()
    {
        MethodDefinition[] path = [.. Library.GetType(ErrorPath).Methods.Where(method => method.IsPublic)];
        Assert.NotEmpty(path);
        AssertNone(path.Where(method => !IsGuarded(method)).Select(method => $"{method.Name}: {WhatThrows(method)}"));
    }

    [Fact]
    public void The_test_of_guards_sees_what_throws()
    {
        // They do throw, and nothing is caught in them.
        Assert.NotNull(WhatThrows(AllMethods().First(method => method is { Name: "Require", DeclaringType.Name: "NativeText" })));
        Assert.NotNull(WhatThrows(AllMethods().First(method => method is { Name: "Poll", DeclaringType.Name: "EventLoop" })));
        Assert.NotNull(WhatThrows(AllMethods().First(method => method is { Name: "Find", DeclaringType.Name: "NativeParameters" })));
    }

    private static void AssertNone(IEnumerable<string> found)
    {
        string all = string.Join('\n', found);
        Assert.True(all.Length == 0, all);
    }

    private static IEnumerable<MethodDefinition> AllMethods() => Library.GetTypes().SelectMany(type => type.Methods);

    private static bool IsCalledByC(MethodDefinition method) =>
        method.CustomAttributes.Any(attribute => attribute.AttributeType.FullName == typeof(UnmanagedCallersOnlyAttribute).FullName);

    private static bool IsGuarded(MethodDefinition method) => WhatThrows(method) is null;

    private static Instruction? WhatThrows(MethodDefinition method)
    {
        ExceptionHandler[] guards = [.. method.Body.ExceptionHandlers.Where(handler => handler.CatchType?.FullName == typeof(Exception).FullName)];
        return method.Body.Instructions.FirstOrDefault(instruction =>
            !guards.Any(guard => IsWithin(instruction, guard.TryStart, guard.TryEnd)) && !IsHarmless(instruction));
    }

    private static bool IsWithin(Instruction instruction, Instruction first, Instruction end) =>
        instruction.Offset >= first.Offset && instruction.Offset < end.Offset;

    // The only thing that can fail is to make the few bytes of a closure.
    private static bool IsHarmless(Instruction instruction) => instruction.Operand switch
    {
        MethodReference made when instruction.OpCode == OpCodes.Newobj => IsClosure(made.DeclaringType) || IsDelegate(made.DeclaringType),
        MethodReference called when instruction.OpCode == OpCodes.Call => called.Resolve() is { } method && method.Module == Library && (method.IsPInvokeImpl || IsGuarded(method)),
        MethodReference => instruction.OpCode == OpCodes.Ldftn,
        FieldReference field => IsClosure(field.DeclaringType),
        _ => instruction.OpCode.Code is
            (>= Code.Nop and <= Code.Ldc_R8) or Code.Ldstr or Code.Dup or Code.Pop or Code.Ret or Code.Leave or Code.Leave_S
            or (>= Code.Br_S and <= Code.Blt_Un) or (>= Code.Ldarg and <= Code.Stloc) or Code.Initobj
            or Code.Conv_I or Code.Conv_U or Code.Conv_I4 or Code.Conv_U8 or Code.Conv_I8 or Code.Ceq or Code.Cgt or Code.Cgt_Un or Code.Clt or Code.Isinst,
    };

    private static bool IsClosure(TypeReference type) =>
        type.Name.StartsWith("<>c", StringComparison.Ordinal) || type.Name.StartsWith("<>O", StringComparison.Ordinal);

    private static bool IsDelegate(TypeReference type) => type.Resolve() is { BaseType.FullName: "System.MulticastDelegate" };
}
