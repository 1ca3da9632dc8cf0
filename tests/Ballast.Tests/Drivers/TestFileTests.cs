using Ballast.Guests;
using Ballast.Tests.Documentation;

namespace Ballast.Tests.Drivers;

/// <summary>Hosts that a file describes: what libvirt 9.0.0 makes of the same files, and what it refuses.</summary>
public sealed class TestFileTests
{
    private const string Extension = "xmlns:test='http://libvirt.org/schemas/domain/test/1.0'";
    private const string Rest = "<name>q</name><memory>1</memory><os><type>hvm</type></os>";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("<nope/>", ErrorCode.XmlError, ErrorOrigin.Xml, "XML error: expecting root element of 'node', not 'nope'")]
    [InlineData("<node><cpu><nodes>a</nodes></cpu></node>", ErrorCode.XmlError, ErrorOrigin.Test, "XML error: invalid node cpu nodes value")]
    [InlineData("<node><memory>a</memory></node>", ErrorCode.XmlError, ErrorOrigin.Test, "XML error: invalid node memory value")]
    [InlineData("<node><domain file='missing.xml'/></node>", ErrorCode.XmlError, ErrorOrigin.Test, "XML error: failed to parse xml document 'DIR/missing.xml'")]
    [InlineData("<node><domain type='test'><name>q</name></domain></node>", ErrorCode.XmlError, ErrorOrigin.Domain, "XML error: an os <type> must be specified")]
    [InlineData($"<node><domain type='test' {Extension}>{Rest}<test:runstate>99</test:runstate></domain></node>", ErrorCode.XmlError, ErrorOrigin.Test, "XML error: runstate '99' out of range'")]
    [InlineData($"<node><domain type='test' {Extension}>{Rest}<test:transient/><test:runstate>5</test:runstate></domain></node>", ErrorCode.XmlError, ErrorOrigin.Test, "XML error: transient domain cannot have runstate 'shutoff'")]
    [InlineData($"<node><domain type='test' {Extension}>{Rest}<test:hasmanagedsave/></domain></node>", ErrorCode.XmlError, ErrorOrigin.Test, "XML error: domain with managedsave data can only have runstate 'shutoff'")]
    [InlineData("<node><auth><user password='p'>u</user></auth></node>", ErrorCode.InvalidArgument, ErrorOrigin.Authentication, "invalid argument: Missing authentication credentials")]
    public async Task What_a_host_cannot_be_is_refused_in_libvirts_words(string xml, ErrorCode code, ErrorOrigin origin, string message)
    {
        using PrivateDirectory directory = new();
        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(async () => await OpenAsync(directory, xml));
        Assert.Equal((code, origin, message), (error.Code, error.Origin, error.Message.Replace(Path.GetDirectoryName(directory.File("x"))!, "DIR", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("no XML")]
    [InlineData("<!DOCTYPE node [<!ENTITY a 'aaaaaaaa'>]><node>&a;</node>")]
    [InlineData("<node><domain></node>")]
    [InlineData("DEEP")]
    public async Task What_is_no_XML_or_more_than_that_is_refused(string xml)
    {
        const int depth = 100_000;
        using PrivateDirectory directory = new();
        string text = xml == "DEEP" ? string.Concat(Enumerable.Repeat("<node>", depth)) : xml;
        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(async () => await OpenAsync(directory, text));
        Assert.Equal((ErrorCode.XmlDetail, ErrorOrigin.Test), (error.Code, error.Origin));
        Assert.DoesNotContain('\n', error.Message);
    }

    [Theory]
    [InlineData(1, 1, 3, 1, 2, 3)]
    [InlineData(2, 2, 4, 2, 31, 8)]
    [InlineData(0, 1, 1, 1, -1, 0)]
    [InlineData(int.MaxValue, int.MaxValue, int.MaxValue, int.MaxValue, int.MaxValue - 1, 8)]
    public async Task Virtual_CPUs_run_on_the_last_of_the_hosts(int nodes, int sockets, int cores, int threads, int last, int allowed)
    {
        using PrivateDirectory directory = new();
        await using Connection connection = await OpenAsync(directory, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"""
            <node><cpu><nodes>{nodes}</nodes><sockets>{sockets}</sockets><cores>{cores}</cores><threads>{threads}</threads></cpu>
            <domain type='test'>{Rest}</domain></node>
            """));
        Domain domain = await connection.LookupByNameAsync("q", Token);
        VirtualCpu cpu = Assert.Single(await domain.GetVirtualCpusAsync(Token));
        Assert.Equal((last, allowed), (cpu.HostCpu, cpu.Affinity.Count));
    }

    [Fact]
    public async Task The_documentations_host_can_be_opened()
    {
        (_, string xml) = Assert.Single(DocumentedCode.Blocks("xml"), block => block.Code.StartsWith("<node", StringComparison.Ordinal));
        using PrivateDirectory directory = new();
        await using Connection connection = await OpenAsync(directory, xml);
        Assert.Equal(
            ["web Running 2097152 of 4194304", "db Shutoff 8388608 of 8388608"],
            await Task.WhenAll((await connection.ListDomainsAsync(cancellationToken: Token)).Select(async domain =>
            {
                DomainInfo info = await domain.GetInfoAsync(Token);
                return $"{domain.Name} {info.State} {info.MemoryKiB} of {info.MaxMemoryKiB}";
            })));
        Assert.Equal((16, 67108864ul), ((await connection.GetNodeInfoAsync(Token)).Cpus, (await connection.GetNodeInfoAsync(Token)).MemoryKiB));
    }

    [Fact]
    public async Task A_file_that_is_not_there_is_named()
    {
        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(
            async () => await Connection.OpenAsync("test:///no/such/file", cancellationToken: Token));
        Assert.Equal((ErrorCode.XmlError, ErrorOrigin.Test, "XML error: failed to parse xml document '/no/such/file'"), (error.Code, error.Origin, error.Message));
    }

    [Theory]
    [InlineData("known", "secret", "UserName: Enter username for localhost; Password: Enter known's password for localhost", null)]
    [InlineData("open", null, "UserName: Enter username for localhost", null)]
    [InlineData("known", "wrong", "UserName: Enter username for localhost; Password: Enter known's password for localhost", "authentication failed: authentication failed, see test XML for the correct username/password")]
    [InlineData("nobody", "secret", "UserName: Enter username for localhost; Password: Enter nobody's password for localhost", "authentication failed: authentication failed, see test XML for the correct username/password")]
    [InlineData(null, "secret", "UserName: Enter username for localhost", "authentication failed: Username request failed")]
    [InlineData("known", null, "UserName: Enter username for localhost; Password: Enter known's password for localhost", "authentication failed: Password request failed")]
    public async Task A_host_with_users_lets_them_in(string? name, string? password, string asked, string? refusal)
    {
        using PrivateDirectory directory = new();
        string file = directory.File("host.xml");
        await File.WriteAllTextAsync(file, "<node><auth><user password='secret'>known</user><user>open</user></auth></node>", Token);
        List<string> questions = [];
        ConnectionOptions options = new()
        {
            AskCredential = (request, _) =>
            {
                Assert.Equal("localhost", request.Challenge);
                questions.Add($"{request.Kind}: {request.Prompt}");
                return new(request.Kind == CredentialKind.UserName ? name : password);
            },
        };
        string? refused = null;
        try
        {
            await using Connection connection = await Connection.OpenAsync($"test://{file}", options, Token);
        }
        catch (LibvirtException e)
        {
            Assert.Equal(ErrorCode.AuthenticationFailed, e.Code);
            refused = e.Message;
        }

        Assert.Equal((refusal, asked), (refused, string.Join("; ", questions)));
    }

    [Fact]
    public async Task A_pipe_or_a_device_is_no_host_and_nobody_waits_for_it()
    {
        using PrivateDirectory directory = new();
        string pipe = directory.File("pipe");
        Assert.Equal(0, (await ChildProcess.RunAsync("mkfifo", [pipe], cancellationToken: Token)).ExitCode);
        foreach (string path in (string[])[pipe, "/dev/zero", "/dev/null", Path.GetDirectoryName(pipe)!])
        {
            LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(
                async () => await Connection.OpenAsync($"test://{path}", cancellationToken: Token));
            Assert.True(error.Code is ErrorCode.XmlError or ErrorCode.XmlDetail, error.Message);
        }
    }

    [Fact]
    public async Task Each_connection_has_a_host_of_its_own()
    {
        using PrivateDirectory directory = new();
        await using Connection first = await OpenAsync(directory, $"<node><domain type='test'>{Rest}</domain></node>");
        await using Connection second = await Connection.OpenAsync(first.Uri, cancellationToken: Token);
        await (await first.LookupByNameAsync("q", Token)).DestroyAsync(cancellationToken: Token);
        Assert.Equal(DomainState.Shutoff, (await (await first.LookupByNameAsync("q", Token)).GetStateAsync(Token)).State);
        Assert.Equal(DomainState.Running, (await (await second.LookupByNameAsync("q", Token)).GetStateAsync(Token)).State);
    }

    [Fact]
    public async Task A_domain_without_a_balloon_says_so()
    {
        using PrivateDirectory directory = new();
        await using Connection connection = await OpenAsync(directory, $"<node><domain type='test'>{Rest}</domain></node>");
        Domain domain = await connection.LookupByNameAsync("q", Token);
        Assert.Equal(0, await domain.FillMemoryStatsAsync(new MemoryStat[16], cancellationToken: Token));
        Assert.Equal(MemoryStatsReason.NoBalloonDevice, (await domain.GetMemoryStatsAsync(cancellationToken: Token)).Reason);
    }

    private static async Task<Connection> OpenAsync(PrivateDirectory directory, string xml)
    {
        string file = directory.File("host.xml");
        await File.WriteAllTextAsync(file, xml, Token);
        return await Connection.OpenAsync($"test://{file}", cancellationToken: Token);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task Times_are_of_two_processors_whatever_there_are(int vcpus)
    {
        using PrivateDirectory directory = new();
        await File.WriteAllTextAsync(directory.File("node.xml"),
            $"<node><domain type='test'><name>a</name><memory>8192</memory><vcpu>{vcpus}</vcpu><os><type>hvm</type></os></domain></node>", TestContext.Current.CancellationToken);
        await using Connection connection = await Connection.OpenAsync($"test://{directory.File("node.xml")}", cancellationToken: TestContext.Current.CancellationToken);
        Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: TestContext.Current.CancellationToken));
        Assert.Equal(2, (await domain.GetCpuStatsAsync(cancellationToken: TestContext.Current.CancellationToken)).Count);
    }
}
