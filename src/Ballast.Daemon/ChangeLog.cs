using System.Globalization;
using System.Net;
using Ballast.Server;
using Microsoft.Extensions.Logging;

namespace Ballast.Daemon;

/// <summary>A line for each change: guests that come, go, fall silent and are back, and what clients had done to them.</summary>
internal sealed partial class ChangeLog(ILogger log)
{
    private readonly ChangeRate _rate = new();

    /// <summary>What became of a guest.</summary>
    /// <param name="domain">The guest.</param>
    /// <param name="what">What, as "is gone".</param>
    /// <param name="isTrouble">Whether somebody should look.</param>
    public void Guest(Domain domain, string what, bool isTrouble = false)
    {
        if (!MayWrite(isTrouble ? "trouble" : "guests", domain.Uuid.ToString()))
            return;
        string line = string.Create(CultureInfo.InvariantCulture, $"Domain {LibvirtServer.QuoteName(domain)} ({domain.Uuid}, process {domain.Id}) {what}");
        if (isTrouble)
            Trouble(log, line);
        else
            Changed(log, line);
    }

    /// <summary>The host cannot be looked at, or can be again.</summary>
    /// <param name="trouble">Why not; null where it can.</param>
    public void Look(string? trouble)
    {
        if (!MayWrite("looks", "looks"))
            return;
        if (trouble is null)
            Changed(log, "The host can be looked at again");
        else
            Trouble(log, $"The guests that were known stay, because the host cannot be looked at: {trouble}");
    }

    /// <summary>What a client had done.</summary>
    public void Client(in PeerProcess peer, in ClientChange change, string? entered = null)
    {
        if (!MayWrite(string.Create(CultureInfo.InvariantCulture, $"user {peer.Uid}"), change))
            return;
        string user = UnixAccess.FindUser(peer.Uid) is { } name ? $" ({name})" : "";
        string account = entered is null ? "" : $" as '{entered}'";
        Changed(log, string.Create(CultureInfo.InvariantCulture, $"{LibvirtServer.DescribeProcess(peer.Pid)} of user {peer.Uid}{user}{account}: {change}"));
    }

    /// <summary>What a client of another host had done.</summary>
    /// <param name="client">Where it is.</param>
    /// <param name="name">The name in its certificate; empty: it has none.</param>
    /// <param name="change">What.</param>
    /// <param name="entered">Its name among the users; null for none.</param>
    public void Client(IPEndPoint client, string name, in ClientChange change, string? entered = null)
    {
        if (!MayWrite(Place(client), change))
            return;
        string who = name.Length > 0 ? $" ({name})" : "", account = entered is null ? "" : $" as '{entered}'";
        Changed(log, string.Create(CultureInfo.InvariantCulture, $"Client {client}{who}{account}: {change}"));
    }

    /// <summary>A client of another host was not let in.</summary>
    public void Refused(IPEndPoint client, string why)
    {
        if (MayWrite("refusals", Place(client)))
            Trouble(log, $"Client {client} was refused: {why}");
    }

    /// <summary>A connection over TLS failed when the client had been let in.</summary>
    public void Broken(IPEndPoint client, string name, string why)
    {
        if (MayWrite("refusals", Place(client)))
            Trouble(log, $"Client {client} ({name}): its TLS connection failed: {why}");
    }

    /// <summary>A client of another host, whose certificate is good, was not heard of again. What it has against ours, it does not say.</summary>
    public void AskedNothing(IPEndPoint client, string name)
    {
        if (MayWrite("refusals", Place(client)))
            Trouble(log, $"Client {client} ({name}) left before its first call was answered: it may not believe this daemon's certificate (servercert.pem), which has to name this host as the client does");
    }

    /// <summary>A client did not prove who it is.</summary>
    /// <param name="peer">Whose lines count together.</param>
    /// <param name="client">Who it is, as the line begins.</param>
    /// <param name="why">What it did wrong.</param>
    public void Unproven(string peer, string client, string why)
    {
        if (MayWrite("logins", $"login of {peer}"))
            Trouble(log, $"{client} failed to log in: {why}");
    }

    /// <summary>The users that may log in cannot be looked up; no crowd of failures hides it.</summary>
    public void UsersFault(string why)
    {
        if (MayWrite("users", "users"))
            Trouble(log, $"Nobody can log in: {why}");
    }

    /// <summary>Something went wrong in the daemon itself; it continues.</summary>
    public void Fault(Exception error)
    {
        string kind = error.GetType().Name;
        if (MayWrite("faults", kind))
            Faulty(log, $"{kind}: {error.Message}");
    }

    // As everywhere, a whole network of IPv6 is one: a host has all of its addresses.
    private static string Place(IPEndPoint client) => $"{ClientOwner.Of(client.Address).Address}";

    // Each client's and each kind of change has an allowance of its own: a flood of sizes, of as many guests as there are, hides
    // neither another's changes nor that a guest was destroyed.
    private bool MayWrite(string client, in ClientChange change)
    {
        string kind = $"{client}, {change.What.Split(' ')[0]}";
        return MayWrite(kind, $"{kind}, {change.Uuid}");
    }

    private bool MayWrite(string kind, string subject)
    {
        if (!_rate.TryTake(kind, subject, out long leftOut))
            return false;
        if (leftOut > 0)
            LeftOut(log, leftOut);
        return true;
    }

    [LoggerMessage(15, LogLevel.Error, "Internal error; ballastd continues: {Fault}")]
    private static partial void Faulty(ILogger log, string fault);

    [LoggerMessage(20, LogLevel.Information, "{Line}")]
    private static partial void Changed(ILogger log, string line);

    [LoggerMessage(21, LogLevel.Warning, "{Line}")]
    private static partial void Trouble(ILogger log, string line);

    [LoggerMessage(22, LogLevel.Warning, "{Count} lines about changes were left out: too many at a time")]
    private static partial void LeftOut(ILogger log, long count);
}
