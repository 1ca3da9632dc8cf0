using System.Globalization;

namespace Ballast;

/// <summary>The type of a <see cref="TypedParameter"/>'s value: libvirt's <c>virTypedParameterType</c>.</summary>
public enum TypedParameterType
{
    /// <summary>Signed, 32 bits.</summary>
    Int = 1,

    /// <summary>Unsigned, 32 bits.</summary>
    UInt = 2,

    /// <summary>Signed, 64 bits.</summary>
    LLong = 3,

    /// <summary>Unsigned, 64 bits.</summary>
    ULLong = 4,

    /// <summary>IEEE 754, 64 bits.</summary>
    Double = 5,

    /// <summary>True or false.</summary>
    Boolean = 6,

    /// <summary>Text.</summary>
    String = 7,
}

/// <summary>A named value of one of libvirt's seven types.</summary>
public readonly struct TypedParameter : IEquatable<TypedParameter>
{
    private readonly ulong _bits;
    private readonly string? _text;

    private TypedParameter(string field, TypedParameterType type, ulong bits, string? text)
    {
        ArgumentException.ThrowIfNullOrEmpty(field);
        Field = field;
        Type = type;
        _bits = bits;
        _text = text;
    }

    /// <summary>A signed number of 32 bits.</summary>
    public static TypedParameter Int(string field, int value) => new(field, TypedParameterType.Int, unchecked((ulong)value), null);

    /// <summary>An unsigned number of 32 bits.</summary>
    public static TypedParameter UInt(string field, uint value) => new(field, TypedParameterType.UInt, value, null);

    /// <summary>A signed number of 64 bits.</summary>
    public static TypedParameter LLong(string field, long value) => new(field, TypedParameterType.LLong, unchecked((ulong)value), null);

    /// <summary>An unsigned number of 64 bits.</summary>
    public static TypedParameter ULLong(string field, ulong value) => new(field, TypedParameterType.ULLong, value, null);

    /// <summary>A floating point number.</summary>
    public static TypedParameter Double(string field, double value) =>
        new(field, TypedParameterType.Double, BitConverter.DoubleToUInt64Bits(value), null);

    /// <summary>True or false.</summary>
    public static TypedParameter Boolean(string field, bool value) => new(field, TypedParameterType.Boolean, value ? 1u : 0u, null);

    /// <summary>A text.</summary>
    public static TypedParameter String(string field, string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return new(field, TypedParameterType.String, 0, value);
    }

    /// <summary>The name.</summary>
    public string Field { get; }

    /// <summary>The type.</summary>
    public TypedParameterType Type { get; }

    /// <summary>The value as the CLR type that fits <see cref="Type"/>: int, uint, long, ulong, double, bool or string.</summary>
    public object Value => Type switch
    {
        TypedParameterType.Int => unchecked((int)_bits),
        TypedParameterType.UInt => (uint)_bits,
        TypedParameterType.LLong => unchecked((long)_bits),
        TypedParameterType.ULLong => _bits,
        TypedParameterType.Double => BitConverter.UInt64BitsToDouble(_bits),
        TypedParameterType.Boolean => _bits != 0,
        _ => _text ?? "",
    };

    /// <summary>The value of everything but a text, as it is on the wire.</summary>
    internal ulong Bits => _bits;

    internal string? Text => _text;

    internal static TypedParameter FromWire(string field, TypedParameterType type, ulong bits, string? text) => new(field, type, bits, text);

    /// <summary>The value of an unsigned number, without boxing.</summary>
    /// <exception cref="InvalidOperationException">The parameter is not an unsigned number.</exception>
    public ulong AsUInt64() => Type is TypedParameterType.UInt or TypedParameterType.ULLong
        ? _bits
        : throw new InvalidOperationException($"{Field} is of type {Type}");

    /// <summary>The value as virsh prints it: <c>yes</c> and <c>no</c> for Booleans, six decimals for floating point.</summary>
    public string ValueText => Type switch
    {
        TypedParameterType.Boolean => _bits != 0 ? "yes" : "no",
        TypedParameterType.Double => BitConverter.UInt64BitsToDouble(_bits).ToString("F6", CultureInfo.InvariantCulture),
        _ => Convert.ToString(Value, CultureInfo.InvariantCulture) ?? "",
    };

    /// <inheritdoc/>
    public bool Equals(TypedParameter other) =>
        Field == other.Field && Type == other.Type && _bits == other._bits && _text == other._text;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is TypedParameter other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Field, Type, _bits, _text);

    /// <summary>Whether name, type and value are equal.</summary>
    public static bool operator ==(TypedParameter left, TypedParameter right) => left.Equals(right);

    /// <summary>Whether name, type or value differ.</summary>
    public static bool operator !=(TypedParameter left, TypedParameter right) => !left.Equals(right);

    /// <summary>The parameter as <c>domstats</c> prints it.</summary>
    public override string ToString() => $"{Field}={ValueText}";
}
