namespace Ballast.Tests.Cli;

internal static partial class ParityCases
{
    private static IEnumerable<ParityCase> Lifecycle =>
    [
        .. from command in new[] { "suspend", "resume", "reset", "reboot", "shutdown", "destroy", "dompmwakeup", "domcontrol" }
           from arguments in new[] { "test", "1", Uuid, "nosuch", "2", "--domain test", "--domain=", "test test", "--bogus test", "test --domain 1", "" }
           select Words([command, .. Split(arguments)]),
        .. from command in new[] { "suspend", "resume", "reset", "reboot", "shutdown", "destroy", "dompmwakeup", "domcontrol" }
           from line in new[]
           {
               $"{command} test; {command} 1; domstate test --reason", $"suspend test; {command} 1; domstate test --reason; domid test",
               $"destroy test; {command} test; domstate test --reason; list --all", $"shutdown test; {command} test; dominfo test",
           }
           select Line(line),
        .. from command in new[] { "suspend", "resume", "reset", "shutdown", "reboot", "dompmwakeup", "domcontrol", "destroy", "shutdown --mode acpi", "destroy --graceful", "reboot --mode acpi" }
           from option in new[] { "-r", "-q", "-rq" }
           select Words([option, .. Split(command), "test"]),
        .. from command in new[] { "shutdown", "reboot" }
           from mode in new[]
           {
               "acpi", "agent", "initctl", "signal", "paravirt", "acpi,agent", "acpi,signal,agent", "acpi,acpi", "bogus", "acpi,bogus", "", "acpi,",
               ",acpi", ",", "ACPI", "acpi agent", " acpi", "paravirt,initctl,signal,agent,acpi", "1", "é",
           }
           select Words(command, "test", "--mode", mode),
        Case("shutdown test --mode"), Case("shutdown test --mode=acpi"), Case("shutdown test acpi"), Case("shutdown --mode acpi"),
        Case("shutdown --mode acpi 1"), Case("shutdown nosuch --mode bogus"), Case("shutdown nosuch --mode acpi"), Case("shutdown test --mode acpi --mode agent"),
        Case("destroy test --graceful"), Case("destroy test --remove-logs"), Case("destroy test --graceful --remove-logs"), Case("destroy 1 --graceful=1"),
        Case("destroy nosuch --remove-logs"), Line("destroy test --graceful; destroy test --graceful"), Line("destroy test --remove-logs; domid test"),
        Line("suspend test; dommemstat test; setmem test 1024; dommemstat test"), Line("-q suspend test"), Line("destroy test; dommemstat test"),
        Words("-q", "suspend test; suspend test; resume test"), Words("-t", "suspend test; resume test"), Words("suspend", ""), Words("suspend", "é"),
    ];
}
