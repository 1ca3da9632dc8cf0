using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Ballast.Transports;

/// <summary>
/// The way from a certificate to an authority, looked for from the authority's end: a key computes only where somebody who is
/// believed has signed it. So what a stranger has made up costs a few signatures of our own authorities, however many
/// certificates it shows.
/// </summary>
internal static class TrustedPath
{
    /// <summary>A peer whose certificate is good shows hardly one that names an issuer who has not signed it.</summary>
    public const int MostWrong = 4;

    /// <param name="certificate">The one to be believed.</param>
    /// <param name="shown">What was shown beside it, in any order.</param>
    /// <param name="authorities">Those that are believed as they are. Several may have one name.</param>
    /// <param name="isSigned">Whether the second has signed the first; null: it is computed.</param>
    /// <returns>The certificate first, then each one's issuer as far as it is known; null: no way ends at an authority.</returns>
    public static IReadOnlyList<X509Certificate2>? Find(
        X509Certificate2 certificate, IEnumerable<X509Certificate2> shown, IReadOnlyList<X509Certificate2> authorities,
        Func<X509Certificate2, X509Certificate2, bool>? isSigned = null)
    {
        isSigned ??= IsSigned;
        Link own = new(certificate, null);
        Link[] ours = [.. authorities.Select(static authority => new Link(authority, null))];
        if (ours.Any(authority => authority.IsSame(own)))
            return Continue([certificate], ours, isSigned);

        List<Link> open = Upwards(own, [.. shown.Select(static other => new Link(other, null)).Where(other => !ours.Any(other.IsSame))]);
        HashSet<Link> wrong = new(ReferenceEqualityComparer.Instance);
        Queue<Link[]> believed = new([ours]);
        while (believed.TryDequeue(out Link[]? issuers))
        {
            foreach (Link each in open.ToArray())
            {
                Link[] named = [.. issuers.Where(each.MayBeSignedBy)];
                if (named.FirstOrDefault(issuer => isSigned(each.Certificate, issuer.Certificate)) is { } found)
                {
                    if (each == own)
                        return Continue([certificate, .. found.Upwards()], ours, isSigned);
                    open.Remove(each);
                    wrong.Remove(each);
                    if (each.MaySign)
                        believed.Enqueue([each with { Issuer = found }]);
                }
                else if (named.Length > 0 && wrong.Add(each) && wrong.Count == MostWrong)
                {
                    // Our own authorities of one name are as many as we chose: a certificate that none of them signed is one that is wrong.
                    return null;
                }
            }
        }

        return null;
    }

    /// <summary>The certificate, and those that may be on its way, by their names alone.</summary>
    private static List<Link> Upwards(Link own, List<Link> others)
    {
        List<Link> way = [own];
        for (int i = 0; i < way.Count; i++)
        {
            foreach (Link issuer in others.Where(way[i].MayBeSignedBy).ToArray())
            {
                way.Add(issuer);
                others.Remove(issuer);
            }
        }

        return way;
    }

    /// <summary>An authority that another one has signed: what that one takes back counts, too.</summary>
    private static List<X509Certificate2> Continue(
        List<X509Certificate2> path, Link[] authorities, Func<X509Certificate2, X509Certificate2, bool> isSigned)
    {
        while (true)
        {
            Link last = new(path[^1], null);
            Link? next = last.IsNamedIssuer(last) ? null : authorities.FirstOrDefault(
                each => last.MayBeSignedBy(each) && !path.Contains(each.Certificate, ReferenceEqualityComparer.Instance) && isSigned(last.Certificate, each.Certificate));
            if (next is null)
                return path;
            path.Add(next.Certificate);
        }
    }

    // The only one that is believed here.
    private static bool IsSigned(X509Certificate2 certificate, X509Certificate2 issuer)
    {
        using X509Chain chain = new()
        {
            ChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                DisableCertificateDownloads = true,
                CustomTrustStore = { issuer },
            },
        };
        _ = chain.Build(certificate);
        return chain.ChainElements.Count > 1
            && chain.ChainElements[1].Certificate.RawDataMemory.Span.SequenceEqual(issuer.RawDataMemory.Span)
            && !chain.ChainStatus.Any(static status => status.Status.HasFlag(X509ChainStatusFlags.NotSignatureValid));
    }

    /// <summary>A certificate and its issuer; null: it is an authority, or the issuer is not known yet.</summary>
    private sealed record Link(X509Certificate2 Certificate, Link? Issuer)
    {
        private readonly byte[] _name = Certificate.SubjectName.RawData, _issuerName = Certificate.IssuerName.RawData;
        private readonly ReadOnlyMemory<byte>? _key = Read<X509SubjectKeyIdentifierExtension>(Certificate, static known => known.SubjectKeyIdentifierBytes);
        private readonly ReadOnlyMemory<byte>? _issuerKey = Read<X509AuthorityKeyIdentifierExtension>(Certificate, static known => known.KeyIdentifier);

        public bool MaySign => Certificate.Extensions.OfType<X509BasicConstraintsExtension>().Any(static basic => basic.CertificateAuthority);

        public bool IsSame(Link other) => Certificate.RawDataMemory.Span.SequenceEqual(other.Certificate.RawDataMemory.Span);

        // As in GnuTLS, a name is its bytes.
        public bool IsNamedIssuer(Link other) => _issuerName.AsSpan().SequenceEqual(other._name);

        // Where both name the key, as OpenSSL and GnuTLS go by that, too: an authority may have had several under one name.
        public bool MayBeSignedBy(Link other) =>
            IsNamedIssuer(other) && !(_issuerKey is { } asked && other._key is { } has && !asked.Span.SequenceEqual(has.Span));

        public IEnumerable<X509Certificate2> Upwards()
        {
            for (Link? link = this; link is not null; link = link.Issuer)
                yield return link.Certificate;
        }

        // What cannot be read says nothing.
        private static ReadOnlyMemory<byte>? Read<T>(X509Certificate2 certificate, Func<T, ReadOnlyMemory<byte>?> identifier)
            where T : X509Extension
        {
            try
            {
                return certificate.Extensions.OfType<T>().FirstOrDefault() is { } extension ? identifier(extension) : null;
            }
            catch (CryptographicException)
            {
                return null;
            }
        }
    }
}
