using Ballast.Balance.Guards;
using Ballast.Balance.Policies;

namespace Ballast.Tests.Balance;

/// <summary>Policies behind guards, among guests that lie, are deaf or silent, are reset, and are moved by others.</summary>
public sealed class GuardedPolicyTests
{
    private const int StepCount = 60;

    public static TheoryData<string> Policies { get; } = [.. BalloonPolicies.Names];

    [Theory]
    [MemberData(nameof(Policies))]
    public void No_history_makes_a_policy_break_a_guards_rule(string policy) => Live(policy, first: 0, count: 200);

    [Theory]
    [MemberData(nameof(Policies))]
    [Trait("speed", "long")]
    public void No_long_history_makes_a_policy_break_a_guards_rule(string policy) => Live(policy, first: 1_000_000, count: 20_000);

    private static void Live(string policy, int first, int count)
    {
        for (int seed = first; seed < first + count; seed++)
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            GuardWorld world = new(seed, BalloonPolicies.Create(policy));
            BalloonGuard guard = new();
            try
            {
                for (int step = 0; step < StepCount; step++)
                    world.Step(guard);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                throw new InvalidOperationException($"World {seed} with {policy}: {e.Message}", e);
            }
        }
    }
}
