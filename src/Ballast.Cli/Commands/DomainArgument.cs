using System.Globalization;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

/// <summary>How a command lets people name a domain.</summary>
[Flags]
internal enum DomainKeys
{
    Id = 1,
    Uuid = 2,
    Name = 4,
    Any = Id | Uuid | Name,
}

/// <summary>The argument that names a domain.</summary>
internal static class DomainArgument
{
    public static CommandOption Any { get; } = Option("name, id or UUID of the domain");

    /// <summary>The same for a command that takes all domains at once.</summary>
    public static CommandOption UnlessAll(CommandOption all) => Any with { RequiredUnless = all };

    public static CommandOption Option(string summary) =>
        new("domain", OptionKind.Text, summary) { IsRequired = true, IsPositional = true, Completes = ValueCompletion.Domain };

    public static ValueTask<Domain> FindDomainAsync(this CommandInvocation invocation) =>
        invocation.FindDomainAsync(Any, DomainKeys.Any);

    public static ValueTask<Domain> FindDomainAsync(this CommandInvocation invocation, CommandOption option, DomainKeys allowed) =>
        FindAsync(invocation, invocation.Arguments.Text(option) ?? "", allowed);

    /// <summary>Tries the text as id, as UUID, as name, in this order, as far as the command allows.</summary>
    public static async ValueTask<Domain> FindAsync(CommandInvocation invocation, string text, DomainKeys allowed)
    {
        Connection connection = invocation.Connection;
        CancellationToken cancellationToken = invocation.CancellationToken;
        Domain? domain = null;
        if ((allowed & DomainKeys.Id) != 0 && NumberText.TryReadInt(text, out int id) && id >= 0)
            domain = await OrNothingAsync(connection.LookupByIdAsync(id, cancellationToken), text);
        if (domain is null && (allowed & DomainKeys.Uuid) != 0 && TryReadUuid(text, out Guid uuid))
            domain = await OrNothingAsync(connection.LookupByUuidAsync(uuid, cancellationToken), text);
        if (domain is null && (allowed & DomainKeys.Name) != 0)
            domain = await OrNothingAsync(connection.LookupByNameAsync(text, cancellationToken), text);
        return domain ?? throw new CommandException(await SuggestAsync(invocation, text, allowed) is { } near ? [NotFound(text), near] : [NotFound(text)]);
    }

    private static async ValueTask<string?> SuggestAsync(CommandInvocation invocation, string text, DomainKeys allowed)
    {
        if (invocation.IsVirsh || (allowed & DomainKeys.Name) == 0)
            return null;
        try
        {
            IReadOnlyList<Domain> all = await invocation.Connection.ListDomainsAsync(cancellationToken: invocation.CancellationToken);
            return all.FirstOrDefault(domain => domain.Name != text && Output.SafeText.Escape(domain.Name) == text) is { } escaped
                ? $"its name has characters that are only shown like this: use its UUID, {escaped.Uuid}"
                : NearestName.Among(all.Select(domain => domain.Name), text) is { } near ? $"did you mean '{near}'?"
                : all.Count == 0 && invocation.Connection.Uri.StartsWith("qmp:", StringComparison.Ordinal) ? Nothing(invocation.Connection.Uri)
                : null;
        }
        catch (LibvirtException)
        {
            // The error is said already.
            return null;
        }
    }

    /// <summary>What was looked for where no domain was found.</summary>
    public static string Nothing(string uri) => uri == "qmp:///"
        ? "this user can see no QEMU on this host"
        : $"no QEMU's monitor was found at {uri}: name the monitor socket of a running QEMU (-qmp unix:PATH,server=on,wait=off), or a directory of such sockets";

    /// <summary>The place that a URI names, where it is not the whole host; null: it names none.</summary>
    public static string? NamedPlace(string uri)
    {
        const string monitors = "qmp://";
        return uri.StartsWith(monitors, StringComparison.Ordinal) && uri[monitors.Length..].Split('?')[0] is { Length: > 1 } path ? path : null;
    }

    /// <summary>Says what was looked for where no domain was found. A place without any may be the wrong one, which programs cannot know either.</summary>
    public static void RemarkNothing(CommandInvocation invocation)
    {
        string uri = invocation.Connection.Uri;
        if (!invocation.IsVirsh && uri.StartsWith("qmp:", StringComparison.Ordinal) && (invocation.MayRemark || NamedPlace(uri) is not null))
            invocation.Remark(Nothing(uri));
    }

    // That there is no such domain is said once, after all tries; anything else is worth its own words.
    private static async ValueTask<Domain?> OrNothingAsync(ValueTask<Domain> lookup, string text)
    {
        try
        {
            return await lookup;
        }
        catch (LibvirtException e) when (e.Code is ErrorCode.NoDomain)
        {
            return null;
        }
        catch (LibvirtException e)
        {
            throw new CommandException(NotFound(text), e);
        }
    }

    private static string NotFound(string text) => $"failed to get domain '{text}'";

    /// <summary>
    /// libvirt's reading of a UUID, for texts as long as its usual form: 16 pairs of digits, with any number of hyphens
    /// before each, and white space around.
    /// </summary>
    internal static bool TryReadUuid(string text, out Guid uuid)
    {
        const int length = 36;
        uuid = default;
        if (text.Length != length)
            return false;

        ReadOnlySpan<char> rest = text.AsSpan().Trim(" \t\n\v\f\r");
        Span<byte> bytes = stackalloc byte[16];
        for (int i = 0; i < bytes.Length; i++)
        {
            rest = rest.TrimStart('-');
            if (rest.Length < 2
                || !byte.TryParse(rest[..2], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out bytes[i]))
            {
                return false;
            }

            rest = rest[2..];
        }

        uuid = new Guid(bytes, bigEndian: true);
        return rest.IsEmpty;
    }
}
