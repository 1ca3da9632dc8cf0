using System.Runtime.InteropServices;
using System.Text;

namespace Ballast.Native.Exports;

/// <summary>Named values: <c>virTypedParams…</c>.</summary>
internal static unsafe class ParameterExports
{
    [UnmanagedCallersOnly(EntryPoint = "managed_virTypedParamsGet")]
    private static NativeParameter* Get(NativeParameter* parameters, int count, byte* name)
    {
        try
        {
            return NativeParameters.Find(parameters, count, name);
        }
        catch (Exception e)
        {
            Failure.Raise(e);
            return null;
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virTypedParamsGetInt")]
    private static int GetInt(NativeParameter* parameters, int count, byte* name, int* value) =>
        Get(parameters, count, name, TypedParameterType.Int, value, found => *value = found.Int);

    [UnmanagedCallersOnly(EntryPoint = "managed_virTypedParamsGetUInt")]
    private static int GetUInt(NativeParameter* parameters, int count, byte* name, uint* value) =>
        Get(parameters, count, name, TypedParameterType.UInt, value, found => *value = found.UInt);

    [UnmanagedCallersOnly(EntryPoint = "managed_virTypedParamsGetLLong")]
    private static int GetLLong(NativeParameter* parameters, int count, byte* name, long* value) =>
        Get(parameters, count, name, TypedParameterType.LLong, value, found => *value = found.LLong);

    [UnmanagedCallersOnly(EntryPoint = "managed_virTypedParamsGetULLong")]
    private static int GetULLong(NativeParameter* parameters, int count, byte* name, ulong* value) =>
        Get(parameters, count, name, TypedParameterType.ULLong, value, found => *value = found.ULLong);

    [UnmanagedCallersOnly(EntryPoint = "managed_virTypedParamsGetDouble")]
    private static int GetDouble(NativeParameter* parameters, int count, byte* name, double* value) =>
        Get(parameters, count, name, TypedParameterType.Double, value, found => *value = found.Double);

    [UnmanagedCallersOnly(EntryPoint = "managed_virTypedParamsGetBoolean")]
    private static int GetBoolean(NativeParameter* parameters, int count, byte* name, int* value) =>
        Get(parameters, count, name, TypedParameterType.Boolean, value, found => *value = found.Boolean != 0 ? 1 : 0);

    [UnmanagedCallersOnly(EntryPoint = "managed_virTypedParamsGetString")]
    private static int GetString(NativeParameter* parameters, int count, byte* name, nint* value) =>
        Get(parameters, count, name, TypedParameterType.String, value, found => *value = found.String);

    [UnmanagedCallersOnly(EntryPoint = "managed_virTypedParamsAddInt")]
    private static int AddInt(NativeParameter** parameters, int* count, int* room, byte* name, int value) =>
        Add(parameters, count, room, name, TypedParameterType.Int, () => new NativeParameter { Int = value });

    [UnmanagedCallersOnly(EntryPoint = "managed_virTypedParamsAddUInt")]
    private static int AddUInt(NativeParameter** parameters, int* count, int* room, byte* name, uint value) =>
        Add(parameters, count, room, name, TypedParameterType.UInt, () => new NativeParameter { UInt = value });

    [UnmanagedCallersOnly(EntryPoint = "managed_virTypedParamsAddLLong")]
    private static int AddLLong(NativeParameter** parameters, int* count, int* room, byte* name, long value) =>
        Add(parameters, count, room, name, TypedParameterType.LLong, () => new NativeParameter { LLong = value });

    [UnmanagedCallersOnly(EntryPoint = "managed_virTypedParamsAddULLong")]
    private static int AddULLong(NativeParameter** parameters, int* count, int* room, byte* name, ulong value) =>
        Add(parameters, count, room, name, TypedParameterType.ULLong, () => new NativeParameter { ULLong = value });

    [UnmanagedCallersOnly(EntryPoint = "managed_virTypedParamsAddDouble")]
    private static int AddDouble(NativeParameter** parameters, int* count, int* room, byte* name, double value) =>
        Add(parameters, count, room, name, TypedParameterType.Double, () => new NativeParameter { Double = value });

    [UnmanagedCallersOnly(EntryPoint = "managed_virTypedParamsAddBoolean")]
    private static int AddBoolean(NativeParameter** parameters, int* count, int* room, byte* name, int value) =>
        Add(parameters, count, room, name, TypedParameterType.Boolean, () => new NativeParameter { Boolean = (sbyte)(value != 0 ? 1 : 0) });

    [UnmanagedCallersOnly(EntryPoint = "managed_virTypedParamsAddString")]
    private static int AddString(NativeParameter** parameters, int* count, int* room, byte* name, byte* value) =>
        Add(parameters, count, room, name, TypedParameterType.String, () => NativeParameters.Text(value));

    [UnmanagedCallersOnly(EntryPoint = "managed_virTypedParamsAddStringList")]
    private static int AddStringList(NativeParameter** parameters, int* count, int* room, byte* name, byte** values)
    {
        try
        {
            for (byte** next = values; next != null && *next != null; next++)
            {
                byte* value = *next;
                if (Add(parameters, count, room, name, TypedParameterType.String, () => NativeParameters.Text(value)) < 0)
                    return -1;
            }

            return 0;
        }
        catch (Exception e)
        {
            return Failure.Of(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virTypedParamsAddFromString")]
    private static int AddFromText(NativeParameter** parameters, int* count, int* room, byte* name, int type, byte* value) =>
        Add(parameters, count, room, name, (TypedParameterType)type, () =>
            NativeParameters.Parse((TypedParameterType)type, value, NativeText.Show(name) ?? ""));

    [UnmanagedCallersOnly(EntryPoint = "managed_virTypedParamsClear")]
    private static void Clear(NativeParameter* parameters, int count)
    {
        try
        {
            NativeParameters.Clear(parameters, count);
        }
        catch (Exception e)
        {
            Failure.Raise(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "managed_virTypedParamsFree")]
    private static void Free(NativeParameter* parameters, int count)
    {
        try
        {
            NativeParameters.Clear(parameters, count);
            NativeMemory.Free(parameters);
        }
        catch (Exception e)
        {
            Failure.Raise(e);
        }
    }

    private static int Get(NativeParameter* parameters, int count, byte* name, TypedParameterType type, void* value, Action<NativeParameter> take)
    {
        try
        {
            NativeParameter* found = NativeParameters.Find(parameters, count, name);
            if (found == null)
                return 0;
            if (found->Type != (int)type)
            {
                throw CallException.Invalid(
                    $"Invalid type '{NativeParameters.TypeName((int)type)}' requested for parameter '{Encoding.UTF8.GetString(NativeParameters.Name(ref found->Field))}', "
                    + $"actual type is '{NativeParameters.TypeName(found->Type)}'");
            }

            if (value != null)
                take(*found);
            return 1;
        }
        catch (Exception e)
        {
            return Failure.Of(e);
        }
    }

    private static int Add(NativeParameter** parameters, int* count, int* room, byte* name, TypedParameterType type, Func<NativeParameter> value)
    {
        try
        {
            if (parameters == null || count == null || room == null)
                throw CallException.Invalid("an array of parameters needs its count and its room");
            if (*count < 0 || *room < 0)
                throw CallException.Invalid($"an array of parameters cannot hold {*count}, with room for {*room}");
            NativeParameters.CheckName(name);
            NativeParameters.MakeRoom(parameters, *count, room);
            NativeParameters.Append(*parameters, count, name, type, value());
            return 0;
        }
        catch (Exception e)
        {
            return Failure.Of(e);
        }
    }
}
