using Ballast.Balance.Advice;

namespace Ballast.Balance.Recording;

/// <summary>
/// A guest as it would look if its balloon had gone where it was wished to, and its programs used what they did: it has so much more
/// or less that is unused, then that is cache; what still does not fit counts as swapped.
/// </summary>
internal sealed class WishedGuest
{
    private const double KiB = 1024;

    private double _swapped, _swapIn, _swapOut;

    /// <param name="guest">As it was recorded, with its size.</param>
    /// <param name="wish">What it was left, in MiB.</param>
    /// <param name="isCertain">Whether its numbers tell what it has now. Otherwise nobody knows what would not fit, and nothing is swapped.</param>
    public GuestFacts Of(GuestFacts guest, double wish, bool isCertain)
    {
        double size = guest.SizeKiB ?? 0, left = Math.Round(wish * KiB), more = left - size;
        if (isCertain && guest.FreeKiB is { } free)
            Swap(Math.Max(0, -(free + more)));
        if (more == 0 && _swapIn == 0 && _swapOut == 0)
            return guest;
        double total = guest.TotalStays ? guest.MaximumKiB ?? size : size;
        double kept = Math.Max(0, total - (guest.AvailableKiB ?? total)), unused = (guest.UnusedKiB ?? 0) + more;
        return guest with
        {
            BalloonKiB = guest.BalloonKiB is null ? null : Whole(left),
            LastSizeKiB = guest.LastSizeKiB is null ? null : Whole(left),
            OtherAtReportKiB = guest.OtherAtReportKiB is 0 ? 0 : Moved(guest.OtherAtReportKiB, more),
            AvailableKiB = guest.TotalStays ? guest.AvailableKiB : Moved(guest.AvailableKiB, more),
            UnusedKiB = Moved(guest.UnusedKiB, more),
            UsableKiB = Moved(guest.UsableKiB, more),
            DiskCachesKiB = Moved(guest.DiskCachesKiB, Math.Min(0, unused)),
            UsedKiB = guest.UsedKiB is { } used ? Math.Min(used, Whole(left - kept)) : null,
            SwapInKiB = Moved(guest.SwapInKiB, _swapIn),
            SwapOutKiB = Moved(guest.SwapOutKiB, _swapOut),
            ResidentKiB = guest.ResidentKiB is { } resident ? Math.Min(resident, Whole(left + Math.Max(0, resident - size))) : null,
        };
    }

    private void Swap(double lack)
    {
        if (lack > _swapped)
            _swapOut += lack - _swapped;
        else
            _swapIn += _swapped - lack;
        _swapped = lack;
    }

    private static ulong? Moved(ulong? size, double by) => size is { } known ? Whole(known + by) : null;

    private static ulong Whole(double size) => (ulong)Math.Max(0, Math.Round(size));
}
