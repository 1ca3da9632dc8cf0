using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Ballast.Sasl;

/// <summary>The system's libidn. It is loaded at the first name or password that is not ASCII.</summary>
internal sealed unsafe class LibIdn
{
    private static readonly Lazy<LibIdn?> Only = new(TryLoad);

    private readonly delegate* unmanaged[Cdecl]<byte*, byte**, byte*, int, int> _profile;
    private readonly delegate* unmanaged[Cdecl]<void*, void> _free;

    private LibIdn(nint library)
    {
        _profile = (delegate* unmanaged[Cdecl]<byte*, byte**, byte*, int, int>)NativeLibrary.GetExport(library, "stringprep_profile");
        _free = (delegate* unmanaged[Cdecl]<void*, void>)NativeLibrary.GetExport(library, "idn_free");
    }

    /// <summary>Null where the system has none that fits.</summary>
    public static LibIdn? OfSystem => Only.Value;

    /// <summary>The form of RFC 4013, in which characters that are newer than Unicode 3.2 stay as they are; null where it refuses the text.</summary>
    /// <param name="text">UTF-8, with a NUL at its end.</param>
    public string? SaslPrep(ReadOnlySpan<byte> text)
    {
        byte* form = null;
        try
        {
            fixed (byte* from = text, profile = "SASLprep"u8)
            {
                if (_profile(from, &form, profile, 0) != 0)
                    return null;
            }

            return Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(form));
        }
        finally
        {
            if (form is not null)
            {
                // It may be a password.
                CryptographicOperations.ZeroMemory(new Span<byte>(form, MemoryMarshal.CreateReadOnlySpanFromNullTerminated(form).Length));
                _free(form);
            }
        }
    }

    private static LibIdn? TryLoad()
    {
        try
        {
            return NativeLibrary.TryLoad("libidn.so.12", out nint library) ? new LibIdn(library) : null;
        }
        catch (EntryPointNotFoundException)
        {
            return null;
        }
    }
}
