namespace Ballast.Balance.Simulation;

/// <summary>A guest in the model, which moves by steps of a second: sizes in MiB.</summary>
internal sealed class SimulatedGuest(GuestScenario scenario, SimulationConstants constants)
{
    // What a thrashing guest stalls for each share of its memory that does not fit, and at most.
    private const double ThrashFactor = 4, MostThrash = 0.9, SwapInStall = 0.2, MostRereadStall = 0.6;
    private const double FaultsPerMib = 64, MostFaults = 2e4, UsableCacheShare = 0.9;

    private readonly Queue<Told> _underWay = [];
    private Told? _told;

    // The last report where reports take no time: policies read few of those of each second, so it is only made when it is read.
    private (double Time, double Anonymous, double Free, double Kernel)? _toTell;
    private int _anonymousPlace, _hotPlace, _sharedPlace;
    private double _cache, _swapIn, _swapOut, _majorFaults, _resident;

    public GuestScenario Scenario => scenario;

    public double Balloon { get; private set; } = scenario.Start ?? scenario.Maximum;

    /// <summary>Where the balloon is to go.</summary>
    public double Target { get; set; } = scenario.Start ?? scenario.Maximum;

    public double Swapped { get; private set; }

    /// <summary>The share of the last second that it stalled.</summary>
    public double Stall { get; private set; }

    /// <summary>What the host holds of it.</summary>
    public double Touched { get; private set; }

    public GuestReport? Report
    {
        get
        {
            MakeReport();
            return _told is { } told
                ? new GuestReport(
                    told.Time, told.Actual, scenario.TotalStays ? scenario.Maximum : told.Actual, told.Unused, told.Usable, told.DiskCaches, told.SwapIn,
                    told.SwapOut, told.MajorFaults)
                : null;
        }
    }

    public double Anonymous(double time) => scenario.Anonymous.At(time, ref _anonymousPlace);

    public double Hot(double time) => Sizes.Min(scenario.Hot.At(time, ref _hotPlace), scenario.Data);

    public void Step(int time)
    {
        bool isSilent = time >= scenario.SilentFrom;
        if (isSilent)
            MakeReport();
        double anonymous = Anonymous(time), hot = Hot(time), kernel = constants.KernelShare * Balloon;
        MoveBalloon(time, anonymous, hot, kernel);
        double room = Balloon - kernel;
        double stall = Swap(anonymous, room);
        _resident = anonymous - Swapped;
        double space = Sizes.Max(0, room - _resident);
        _cache = Sizes.Min(Sizes.Min(space, scenario.Data), Sizes.Min(_cache, space) + constants.Read);
        double missing = Sizes.Max(0, hot - _cache);
        if (hot > 0 && missing > 0)
        {
            // The working set of files does not fit: it is read again and again.
            stall += Sizes.Min(MostRereadStall, MostRereadStall * missing / Sizes.Max(hot, 1));
            _majorFaults += missing;
        }

        Stall = Sizes.Min(1, stall);
        double free = Sizes.Max(0, Balloon - _resident - _cache);
        Touched = Sizes.Min(Balloon, _resident + _cache + (constants.FreeTouched * free));
        if (constants.ReportAge > 0)
            Send(time, isSilent ? null : Tell(time, anonymous, free, kernel));
        else if (!isSilent)
            _toTell = (time, anonymous, free, kernel);
    }

    private void MoveBalloon(int time, double anonymous, double hot, double kernel)
    {
        double change = time >= scenario.DeafFrom ? 0 : Target - Balloon;
        if (change > 0)
        {
            Balloon += Sizes.Min(change, constants.Deflate);
        }
        else if (change < 0)
        {
            // Quick through what is free or cold, slow where the guest must swap for it.
            double easy = Sizes.Max(0, Balloon - kernel - (anonymous - Swapped) - Sizes.Min(_cache, hot));
            Balloon -= Sizes.Min(-change, easy > 0 ? Sizes.Min(constants.Inflate, easy) : constants.InflateSwapping);
        }
    }

    /// <returns>The share of the second that swapping takes.</returns>
    private double Swap(double anonymous, double room)
    {
        if (anonymous < Swapped)
            Swapped = 0;
        double resident = anonymous - Swapped;
        if (resident > room)
        {
            double moved = Sizes.Min(resident - room, constants.SwapOut);
            Swapped += moved;
            _swapOut += moved;
            resident -= moved;
        }

        double over = Sizes.Max(0, anonymous - room);
        if (over > 0)
        {
            // What is in use does not fit: thrashing.
            _swapIn += Sizes.Min(constants.SwapIn, over);
            _majorFaults += Sizes.Min(MostFaults, over * FaultsPerMib);
            return Sizes.Min(MostThrash, ThrashFactor * over / Sizes.Max(anonymous, 1));
        }

        double back = Swapped > 0 ? Sizes.Min(Sizes.Min(Swapped, constants.SwapIn), room - resident) : 0;
        if (back <= 0)
            return 0;
        Swapped -= back;
        _swapIn += back;
        _majorFaults += back * FaultsPerMib;
        return SwapInStall;
    }

    private void MakeReport()
    {
        if (_toTell is not { } last)
            return;
        _told = Tell(last.Time, last.Anonymous, last.Free, last.Kernel);
        _toTell = null;
    }

    private Told Tell(double time, double anonymous, double free, double kernel)
    {
        double unused = scenario.Claims != 1 ? Sizes.Clamp(Balloon - _cache - (scenario.Claims * _resident), 0, Balloon - _cache) : free;
        return new Told(
            time, Balloon, unused, Sizes.Max(0, unused + (UsableCacheShare * _cache) - kernel),
            _cache + Sizes.Min(scenario.Shared.At(time, ref _sharedPlace), anonymous), _swapIn, _swapOut, _majorFaults);
    }

    private void Send(int time, Told? told)
    {
        if (told is { } report)
            _underWay.Enqueue(report);
        while (_underWay.TryPeek(out Told next) && (_told is null || next.Time <= time - constants.ReportAge))
            _told = _underWay.Dequeue();
    }

    private readonly record struct Told(
        double Time, double Actual, double Unused, double Usable, double DiskCaches, double SwapIn, double SwapOut, double MajorFaults);
}
