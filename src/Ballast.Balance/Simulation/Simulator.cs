using Ballast.Balance.Guards;
using Ballast.Balance.Policies;

namespace Ballast.Balance.Simulation;

/// <summary>
/// A small model of a host and its guests, in steps of a second, to compare policies. It says nothing about any product. A simple guard
/// acts every second: guests shrink as the policy says, and grow only into memory that others gave back.
/// </summary>
public static class Simulator
{
    private const double HostSwapFactor = 3, MostHostStall = 0.9;

    // Only a model can know what comes.
    private const string Oracle = "oracle";

    /// <summary>The policies that can be compared, by their names: all that can decide about real guests, and the oracle before ours.</summary>
    public static IReadOnlyList<string> Policies { get; } = [.. BalloonPolicies.Names.Where(name => name != BalloonPolicies.Ours), Oracle, BalloonPolicies.Ours];

    /// <summary>Runs a scenario to its end.</summary>
    /// <param name="scenario">What happens.</param>
    /// <param name="policy">A name of <see cref="Policies"/>.</param>
    /// <param name="period">Seconds between two decisions, at least 1.</param>
    /// <param name="observer">Called after each second; null for none.</param>
    /// <param name="guards">The numbers of a <see cref="BalloonGuard"/> that decides each second; null for the model's own guard.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    /// <exception cref="ArgumentException">There is no such policy, or the period is too short.</exception>
    public static SimulationResult Run(
        Scenario scenario, string policy, int period, ISimulationObserver? observer = null, GuardLimits? guards = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        ArgumentOutOfRangeException.ThrowIfLessThan(period, 1);
        SimulatedGuest[] guests = [.. scenario.Guests.Select(guest => new SimulatedGuest(guest, scenario.Constants))];
        return new SimulationRun(scenario, guests, policy == Oracle ? new OraclePolicy(guests) : BalloonPolicies.Create(policy))
        {
            Observer = observer,
            IsGuarded = policy != "static",
            Guards = guards is null || policy == "static" ? null : new SimulatedGuards(guards, scenario, guests),
        }.Run(policy, period, cancellationToken);
    }

    private sealed class SimulationRun(Scenario scenario, SimulatedGuest[] guests, IBalloonPolicy policy)
    {
        private readonly double[] _wishes = [.. guests.Select(guest => guest.Target)];
        private readonly BalloonWish[] _latest = [.. guests.Select(_ => BalloonWish.Same)];
        private readonly double[] _stalls = new double[guests.Length];
        private double _swapped, _stall, _idle, _moved;

        public ISimulationObserver? Observer { get; init; }

        public bool IsGuarded { get; init; }

        public SimulatedGuards? Guards { get; init; }

        public SimulationResult Run(string name, int period, CancellationToken cancellationToken)
        {
            foreach (SimulatedGuest guest in guests)
                guest.Step(0);
            for (int time = 1; time <= scenario.Seconds; time++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                double used = Step(time);
                if (time % period == 0)
                    Decide(new HostState(scenario.Memory, scenario.Overhead, scenario.Reserve, Math.Max(0, scenario.Memory - used), time, period));
            }

            return new SimulationResult(name, period, 100 * _stall, 100 * _stalls.Max(), _swapped, 100 * _idle, _moved)
            {
                GuestStallPercent = [.. _stalls.Select(stall => 100 * stall)],
            };
        }

        /// <returns>What the host needs now.</returns>
        private double Step(int time)
        {
            double moved = 0, touched = 0;
            if (Guards is not null)
                Guards.Decide(time - 1, _latest, Look);
            else if (IsGuarded)
                Guard();
            foreach (SimulatedGuest guest in guests)
            {
                double before = guest.Balloon;
                guest.Step(time);
                moved += Math.Abs(guest.Balloon - before);
                touched += guest.Touched;
            }

            _moved += moved;
            double used = scenario.Overhead + touched;
            double hostSwap = Math.Max(0, used - scenario.Memory);

            // The host swaps: everybody stalls.
            double penalty = Math.Min(MostHostStall, HostSwapFactor * hostSwap / scenario.Memory);
            _swapped += hostSwap / scenario.Seconds;
            _idle += Math.Max(0, scenario.Memory - used) / scenario.Memory / scenario.Seconds;
            for (int i = 0; i < guests.Length; i++)
            {
                double stall = Math.Min(1, guests[i].Stall + penalty);
                _stalls[i] += stall / scenario.Seconds;
                _stall += stall / scenario.Seconds / guests.Length;
                Observer?.Observe(time, i, guests[i].Anonymous(time) + guests[i].Hot(time), guests[i].Balloon, stall);
            }

            return used;
        }

        private void Guard()
        {
            double balloons = 0, lacking = 0;
            for (int i = 0; i < guests.Length; i++)
            {
                balloons += guests[i].Balloon;
                lacking += Lack(i);
            }

            double spare = Sizes.Max(0, scenario.Memory - scenario.Overhead - scenario.Reserve - balloons);
            for (int i = 0; i < guests.Length; i++)
            {
                double lack = Lack(i);
                guests[i].Target = lack == 0 ? _wishes[i] : guests[i].Balloon + (lack * Sizes.Min(1, spare / lacking));
            }

            double Lack(int i) => Sizes.Max(0, _wishes[i] - guests[i].Balloon);
        }

        private void Decide(HostState host)
        {
            IReadOnlyList<BalloonWish> wishes = policy.Decide(host, [.. guests.Select(Look)]);
            for (int i = 0; i < guests.Length; i++)
            {
                _wishes[i] = wishes[i].Target ?? _wishes[i];
                _latest[i] = wishes[i] with { Target = _wishes[i] };
            }
        }

        private GuestState Look(SimulatedGuest guest, int place) => new()
        {
            Name = guest.Scenario.Name,
            Maximum = guest.Scenario.Maximum,
            Minimum = guest.Scenario.Minimum,
            Balloon = guest.Balloon,
            LastWish = Guards is null ? _wishes[place] : guest.Target,
            Resident = guest.Touched,
            Report = guest.Report,
            Swapped = guest.Swapped,
        };
    }
}
