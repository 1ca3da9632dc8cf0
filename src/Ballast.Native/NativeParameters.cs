using System.Runtime.InteropServices;
using System.Text;

namespace Ballast.Native;

/// <summary>Named values in C's memory: <c>virTypedParameter</c>.</summary>
internal static unsafe class NativeParameters
{
    /// <summary>VIR_TYPED_PARAM_STRING_OKAY, by which a program says that it knows strings among parameters.</summary>
    public const uint StringsAreOkay = 4;

    private const int FirstRoom = 16;

    public static void Write(TypedParameter parameter, NativeParameter* to)
    {
        NativeText.Fill(to->Field, parameter.Field);
        to->Type = (int)parameter.Type;
        switch (parameter.Type)
        {
            case TypedParameterType.UInt:
                to->UInt = (uint)parameter.AsUInt64();
                break;
            case TypedParameterType.ULLong:
                to->ULLong = parameter.AsUInt64();
                break;
            case TypedParameterType.Int:
                to->Int = (int)parameter.Value;
                break;
            case TypedParameterType.LLong:
                to->LLong = (long)parameter.Value;
                break;
            case TypedParameterType.Double:
                to->Double = (double)parameter.Value;
                break;
            case TypedParameterType.Boolean:
                to->Boolean = (sbyte)((bool)parameter.Value ? 1 : 0);
                break;
            default:
                to->String = NativeText.Copy((string)parameter.Value);
                break;
        }
    }

    /// <summary>A function's flags without <see cref="StringsAreOkay"/>.</summary>
    public static DomainModificationImpact Impact(uint flags) => (DomainModificationImpact)(flags & ~StringsAreOkay);

    /// <summary>First a program asks how many there are, then it has room for them.</summary>
    public static int InTwoSteps(
        nint domain, string function, NativeParameter* parameters, int* count,
        Func<DomainHandle, CancellationToken, ValueTask<IReadOnlyList<TypedParameter>>> ask, Action? check = null) => Call.OfDomain(domain, function, (handle, token) =>
    {
        check?.Invoke();
        if (count == null)
            throw CallException.Null("nparams", function);
        if (*count < 0)
            throw CallException.Argument($"*nparams in {function} must be zero or greater", "*nparams", function);
        return *count > 0 && parameters == null ? throw CallException.Null("params", function) : ask(handle, token);
    }, found =>
    {
        *count = *count == 0 ? found.Count : Fill(parameters, *count, found);
        return 0;
    });

    /// <summary>Writes as many as there is room for, and returns how many.</summary>
    public static int Fill(NativeParameter* parameters, int room, IReadOnlyList<TypedParameter> found)
    {
        int filled = Math.Min(room, found.Count);
        for (int i = 0; i < filled; i++)
            Write(found[i], parameters + i);
        return filled;
    }

    /// <summary>Null where there is none of that name.</summary>
    public static NativeParameter* Find(NativeParameter* parameters, int count, byte* name)
    {
        if (name == null || parameters == null)
            return null;
        ReadOnlySpan<byte> wanted = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name);
        for (int i = 0; i < count; i++)
        {
            if (Name(ref parameters[i].Field).SequenceEqual(wanted))
                return parameters + i;
        }

        return null;
    }

    /// <summary>Frees the texts.</summary>
    public static void Clear(NativeParameter* parameters, int count)
    {
        for (int i = 0; parameters != null && i < count; i++)
        {
            if (parameters[i].Type != (int)TypedParameterType.String)
                continue;
            NativeMemory.Free((void*)parameters[i].String);
            parameters[i].String = 0;
        }
    }

    /// <exception cref="CallException">There is none, or it is too long.</exception>
    public static void CheckName(byte* name)
    {
        if (name == null)
            throw CallException.Invalid("a parameter needs a name");
        ReadOnlySpan<byte> field = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name);
        if (field.Length >= FieldName.Length)
            throw CallException.Internal($"Field name '{Encoding.UTF8.GetString(field)}' too long");
    }

    /// <summary>Makes room for one more in an array of C's, whatever its caller believes that it has.</summary>
    public static void MakeRoom(NativeParameter** parameters, int count, int* room)
    {
        if (count < *room && *parameters != null)
            return;
        int grown = Math.Max(FirstRoom, checked(Math.Max(count, *room) * 2));
        *parameters = (NativeParameter*)NativeMemory.Realloc(*parameters, (nuint)grown * (nuint)sizeof(NativeParameter));
        *room = grown;
    }

    /// <summary>Appends to an array of C's that has room.</summary>
    public static void Append(NativeParameter* parameters, int* count, byte* name, TypedParameterType type, NativeParameter value)
    {
        value.Type = (int)type;
        MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name).CopyTo(value.Field);
        parameters[(*count)++] = value;
    }

    /// <summary>A text's copy; an empty one of none, as in libvirt.</summary>
    public static NativeParameter Text(byte* value) => new() { String = value == null ? NativeText.Copy("") : NativeText.Copy(value) };

    /// <exception cref="CallException">The text is no value of that type.</exception>
    public static NativeParameter Parse(TypedParameterType type, byte* given, string name)
    {
        string text = NativeText.Show(given) ?? throw CallException.Null("value", "virTypedParamsAddFromString");
        NativeParameter value = default;
        switch (type)
        {
            case TypedParameterType.String:
                return Text(given);
            case TypedParameterType.Boolean:
                bool isTrue = text == "1" || text.Equals("true", StringComparison.OrdinalIgnoreCase);
                if (!isTrue && text != "0" && !text.Equals("false", StringComparison.OrdinalIgnoreCase))
                    throw CallException.Invalid($"Invalid boolean value for field '{name}'");
                value.Boolean = (sbyte)(isTrue ? 1 : 0);
                return value;
        }

        string expected = type switch
        {
            TypedParameterType.Int => "int",
            TypedParameterType.UInt => "unsigned int",
            TypedParameterType.LLong => "long long",
            TypedParameterType.ULLong => "unsigned long long",
            TypedParameterType.Double => "double",
            _ => throw CallException.Internal($"unexpected type {(int)type} for field {name}"),
        };
        return Shim.ReadNumber((int)type, given, &value) != 0
            ? value
            : throw CallException.Invalid($"Invalid value for field '{name}': expected {expected}");
    }

    public static string TypeName(int type) => (TypedParameterType)type switch
    {
        TypedParameterType.Int => "int",
        TypedParameterType.UInt => "uint",
        TypedParameterType.LLong => "llong",
        TypedParameterType.ULLong => "ullong",
        TypedParameterType.Double => "double",
        TypedParameterType.Boolean => "boolean",
        TypedParameterType.String => "string",
        _ => "unknown",
    };

    public static ReadOnlySpan<byte> Name(ref FieldName field)
    {
        ReadOnlySpan<byte> bytes = field;
        int end = bytes.IndexOf((byte)0);
        return end < 0 ? bytes : bytes[..end];
    }
}
