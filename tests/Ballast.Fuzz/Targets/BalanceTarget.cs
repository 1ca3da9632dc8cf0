using System.Text;
using Ballast.Balance.Advice;
using Ballast.Balance.Policies;
using Ballast.Balance.Recording;
using Ballast.Balance.Simulation;

namespace Ballast.Fuzz.Targets;

/// <summary>Files about balloons: a record of a host, compressed or not, that is replayed; and a scenario. They are refused in words, or can be used.</summary>
internal sealed class BalanceTarget : FuzzTarget
{
    public override string Name => "balance";

    public override IReadOnlyList<byte[]> Dictionary { get; } =
    [
        .. new[]
        {
            "{", "}", "[", "]", ":", ",", "\n", "null", "true", "-1", "0", "1e308", "1e-308", "18446744073709551615", "9223372036854775808", "0.5", "NaN", "\"\"",
            "\"type\"", "\"version\"", "\"time\"", "\"host\"", "\"guests\"", "\"name\"", "\"uuid\"", "\"seconds\"", "\"constants\"", "\"budget\"", "\\ud800", "\u0000",
        }.Select(Encoding.UTF8.GetBytes),
        [0x1F, 0x8B, 8, 0],
    ];

    public override IReadOnlyList<byte[]> Seeds { get; } =
    [
        .. new[]
        {
            """
            {"about":"a","memory":5120,"overhead":300,"seconds":300,"guests":[{"name":"idle","maximum":4096,"minimum":512,"anon":[[0,400]],"hot":[[0,50]],"data":16000}]}
            """,
            """
            {"ballast_record":1,"started":"2026-01-01T00:00:00Z","uri":"qmp:///","cgroup":"/x"}
            {"time":0,"host":{"reason":"fresh","total_kib":8388608,"available_kib":4194304,"free_kib":1048576,"swap_total_kib":0,"pressure_some":[0,0,0,1],"group":{"max_kib":4194304,"current_kib":2097152}},"guests":[{"name":"a","uuid":"00000000-0000-0000-0000-000000000001","id":7,"reason":"fresh","last_update":1700000000,"age_seconds":1,"balloon_kib":1048576,"maximum_kib":2097152,"resident_kib":900000,"available_kib":1000000,"unused_kib":200000,"usable_kib":600000,"swap_in_kib":0,"swap_out_kib":5,"major_faults":9,"used_kib":400000,"group":"/x/a"}]}
            {"time":10,"missed":"no"}
            {"time":20,"host":{"reason":"fresh","total_kib":8388608,"available_kib":4194304},"guests":[{"name":"a","uuid":"00000000-0000-0000-0000-000000000001","id":7,"reason":"fresh","last_update":1700000020,"age_seconds":1,"balloon_kib":1048576,"maximum_kib":2097152,"resident_kib":900000,"available_kib":1000000,"usable_kib":100000,"swap_out_kib":700,"used_kib":900000,"locked_kib":1,"pause_cause":"none","has_job":true}]}
            {"time":30,"end":"complete"}

            """,
        }.Select(Encoding.UTF8.GetBytes),
    ];

    public override int Run(byte[] input) => HashCode.Combine(Replay(input), Scenario(input));

    private static int Replay(byte[] input)
    {
        try
        {
            using MemoryStream file = new(input);
            Replay replay = RecordReplay.Run(file, BalloonPolicies.Names);
            FuzzException.Require(replay.Looks >= 0 && replay.Seconds >= 0 && double.IsFinite(replay.Seconds), "its length cannot be");
            FuzzException.Require(replay.Policies.Count == BalloonPolicies.Names.Count, "a policy is missing");
            return 1 + Math.Min(replay.Looks, 4);
        }
        catch (Exception e) when (e is InvalidDataException or BudgetException)
        {
            FuzzException.Require(e.Message.Length > 0, "it is refused without a word");
            return e is InvalidDataException ? 0 : -1;
        }
    }

    private static int Scenario(byte[] input)
    {
        try
        {
            return 1 + Math.Min(ScenarioReader.Read(input).Guests.Count, 4);
        }
        catch (InvalidDataException e)
        {
            FuzzException.Require(e.Message.Length > 0, "it is refused without a word");
            return 0;
        }
    }
}
