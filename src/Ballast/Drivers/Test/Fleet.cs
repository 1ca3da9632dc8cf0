using System.Buffers.Binary;
using System.Collections.Concurrent;
using Ballast.Virtio;

namespace Ballast.Drivers.Test;

/// <summary>
/// The guests of one fleet. A guest costs nothing before somebody asks for it: what it is follows from the seed and its
/// number, what it does from the time; kept are its identity and what callers changed.
/// </summary>
internal sealed class Fleet
{
    private const int SecondsOfDay = 86400;

    private static readonly Lock SharedLock = new();
    private static readonly Dictionary<(int Count, ulong Seed, TimeProvider Time), Fleet> Shared = [];

    private readonly Lock _changing = new();
    private readonly ConcurrentDictionary<int, GuestSettings> _changed = [];
    private readonly DomainIdentity?[] _identities;
    private readonly ulong _seed;
    private readonly TimeProvider _time;
    private readonly long _epoch;
    private int _users;

    private Fleet(int count, ulong seed, TimeProvider time)
    {
        _identities = new DomainIdentity?[count];
        _seed = seed;
        _time = time;

        // The midnight before the last: programs that start on one day see the same guests, which have a past.
        long now = time.GetUtcNow().ToUnixTimeSeconds();
        _epoch = now - (now % SecondsOfDay) - SecondsOfDay;
        Events = new FleetEvents(this, time);
    }

    public FleetEvents Events { get; }

    public int Count => _identities.Length;

    /// <summary>Seconds since the fleet's epoch, now.</summary>
    public long Now => At(_time.GetUtcNow());

    /// <summary>The fleet that others use already, or a new one; to be released.</summary>
    public static Fleet Acquire(int count, ulong seed, TimeProvider time)
    {
        lock (SharedLock)
        {
            if (!Shared.TryGetValue((count, seed, time), out Fleet? fleet))
                Shared.Add((count, seed, time), fleet = new Fleet(count, seed, time));
            fleet._users++;
            return fleet;
        }
    }

    public void Release()
    {
        lock (SharedLock)
        {
            if (--_users == 0)
                _ = Shared.Remove((Count, _seed, _time));
        }
    }

    /// <summary>Seconds since the fleet's epoch.</summary>
    public long At(DateTimeOffset time) => Math.Max(0, time.ToUnixTimeSeconds() - _epoch);

    public FleetGuest Guest(int index) => new(_seed, index);

    public DomainIdentity Identity(int index) =>
        // Two that make it at once make the same.
        Volatile.Read(ref _identities[index]) ?? (_identities[index] = new DomainIdentity(GuestKinds.Name(index), Uuid(index), index + 1));

    public bool TryFind(Guid uuid, out int index)
    {
        Span<byte> bytes = stackalloc byte[16];
        _ = uuid.TryWriteBytes(bytes, bigEndian: true, out _);
        index = (int)(BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]) ^ UuidMask);
        return (uint)index < (uint)Count && Identity(index).Uuid == uuid;
    }

    public GuestSettings Settings(int index, in FleetGuest guest) =>
        _changed.TryGetValue(index, out GuestSettings settings) ? settings : GuestSettings.Initial(guest);

    /// <summary>The balloons of the guests that were ever changed, in KiB; no other moves.</summary>
    public IEnumerable<(int Index, ulong ActualKiB)> ChangedSizes()
    {
        long now = Now;
        foreach ((int index, GuestSettings settings) in _changed)
            yield return (index, settings.ActualKiB(Guest(index), now));
    }

    public void SetPeriod(int index, int seconds)
    {
        lock (_changing)
        {
            FleetGuest guest = Guest(index);
            _changed[index] = Settings(index, guest).WithPeriod(guest, Now, seconds);
        }
    }

    /// <summary>Asks a guest to report at once; false where it does not answer.</summary>
    public bool TryRefresh(int index, in FleetGuest guest)
    {
        lock (_changing)
        {
            long now = Now;
            if (!guest.Reports || now > guest.StopsAt || now < guest.DriverLoadedAt)
                return false;
            _changed[index] = Settings(index, guest).WithReport(guest, now);
            return true;
        }
    }

    public void SetTarget(int index, ulong kib)
    {
        lock (_changing)
        {
            FleetGuest guest = Guest(index);
            _changed[index] = Settings(index, guest).WithTarget(guest, Now, kib);
        }
    }

    /// <summary>What the device says of a guest's last report: read from the statistics queue that the guest wrote.</summary>
    public static BalloonReport Read(in FleetGuest guest, GuestReportTime last)
    {
        if (last.IsNone)
            return default;
        Span<BalloonStatistic> entries = stackalloc BalloonStatistic[MemoryStatTable.MaxVirtioTags];
        Span<byte> queue = stackalloc byte[MemoryStatTable.MaxVirtioTags * BalloonStatistics.EntryBytes];
        int length = BalloonStatistics.Write(queue, entries[..guest.Write(entries, last)]);
        return BalloonReport.From(entries[..BalloonStatistics.Read(queue[..length], entries)]);
    }

    /// <summary>Unix seconds of the last report by the host's clock; 0: never.</summary>
    public ulong LastUpdate(GuestReportTime last) => last.IsNone ? 0 : (ulong)Math.Max(1, _epoch + last.Time);

    // The index stands in the last four bytes, so that a UUID leads back to its guest without a table.
    private Guid Uuid(int index)
    {
        Span<byte> bytes = stackalloc byte[16];
        GuestNoise noise = GuestNoise.Of(_seed, index);
        BinaryPrimitives.WriteUInt64BigEndian(bytes, noise.Bits(0));
        BinaryPrimitives.WriteUInt32BigEndian(bytes[8..], (uint)noise.Bits(-1));
        BinaryPrimitives.WriteUInt32BigEndian(bytes[12..], (uint)index ^ UuidMask);
        return CustomUuid.From(bytes);
    }

    private uint UuidMask => (uint)GuestNoise.Mix(_seed);
}
