using System.Globalization;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Processes;

namespace Ballast.Drivers.Qemu.Inventory;

/// <summary>
/// Gives each QEMU a name and a UUID that no other has. Of those that claim the same, it is kept by the one that was listed
/// under it; then by root's; then by the one of which it is surer; then by the older. What is only guessed takes nothing from others.
/// Of those of which nothing but their monitors' words is known, none keeps what another says, too: it may be any guest's.
/// </summary>
internal static class DomainNames
{
    private const int MarkDigits = 8;

    /// <summary>The identities, in the order of the claims.</summary>
    public static DomainIdentity[] Assign(IReadOnlyList<DomainClaim> claims)
    {
        string[] names = AssignEach(claims, claim => claim.ListedName, ClaimedName,
            (claim, taken) =>
            {
                string name = $"{ClaimedName(claim).Value}@{Mark(claim)}";
                while (taken.Contains(name))
                    name = $"{name}@{Mark(claim)}";
                return name;
            });
        Guid[] uuids = AssignEach(claims, claim => claim.ListedUuid,
            claim => claim.Uuid ?? new Word<Guid>(claim.DerivedUuid, Certainty.Told),
            (claim, taken) =>
            {
                Guid uuid = claim.DerivedUuid;
                for (int next = 1; taken.Contains(uuid); next++)
                    uuid = DerivedUuid.From($"{claim.DerivedUuid}/{next}");
                return uuid;
            });
        return [.. claims.Select((claim, i) => new DomainIdentity(names[i], uuids[i], claim.Pid))];
    }

    // Who has none is called by what it is, and that is no guess.
    private static Word<string> ClaimedName(DomainClaim claim) => claim.Name ?? new Word<string>($"qemu-{Mark(claim)}", Certainty.Told);

    // A process that Ballast cannot see has no id; its socket tells it from others.
    private static string Mark(DomainClaim claim) =>
        claim.Pid > 0 ? claim.Pid.ToString(CultureInfo.InvariantCulture) : claim.DerivedUuid.ToString("N")[..MarkDigits];

    private static T[] AssignEach<T>(
        IReadOnlyList<DomainClaim> claims, Func<DomainClaim, object?> listed, Func<DomainClaim, Word<T>> claimed,
        Func<DomainClaim, HashSet<T>, T> otherwise)
        where T : notnull
    {
        T[] assigned = new T[claims.Count];
        HashSet<T> taken = [];
        int[] order = [.. Enumerable.Range(0, claims.Count)];
        Array.Sort(order, (one, other) => Rank(one).CompareTo(Rank(other)));
        foreach (int i in order)
        {
            T value = listed(claims[i]) is T kept ? kept : claimed(claims[i]).Value;
            bool isOnlySaid = IsOnlySaid(i) && order.Any(other => other != i && IsOnlySaid(other)
                && claims[other].IsRoot == claims[i].IsRoot && EqualityComparer<T>.Default.Equals(claimed(claims[other]).Value, value));
            if (!taken.Add(value) || isOnlySaid)
            {
                value = otherwise(claims[i], taken);
                taken.Add(value);
            }

            assigned[i] = value;
        }

        return assigned;

        bool IsOnlySaid(int i) => claims[i].Pid == 0 && listed(claims[i]) is null && claimed(claims[i]).Certainty != Certainty.Said;

        (bool, bool, bool, int, ulong, int, int) Rank(int i)
        {
            Word<T> word = claimed(claims[i]);
            return (listed(claims[i]) is null, word.IsGuess, !claims[i].IsRoot, Certainty.Said - word.Certainty, claims[i].Age, claims[i].Pid, i);
        }
    }
}
