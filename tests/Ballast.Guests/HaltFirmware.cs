namespace Ballast.Guests;

/// <summary>
/// Firmware that halts at once. With it a driven guest's processor never runs, so that a running virtual clock costs
/// nothing and no boot program touches the memory that the test writes.
/// </summary>
public static class HaltFirmware
{
    private const int Size = 64 * 1024;
    private const int ResetVector = Size - 16;

    public static void WriteTo(string path)
    {
        var image = new byte[Size];
        ReadOnlySpan<byte> haltForever = [0xFA, 0xF4, 0xEB, 0xFC]; // cli; hlt; jmp to hlt
        haltForever.CopyTo(image.AsSpan(ResetVector));
        File.WriteAllBytes(path, image);
    }
}
