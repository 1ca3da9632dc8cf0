namespace Ballast.Guests;

/// <summary>The registers of one virtio 1.x device on the memory-mapped transport.</summary>
internal sealed class VirtioMmioDevice
{
    private const ulong FirstWindow = 0xfeb00000;
    private const ulong WindowSize = 0x200;
    private const int Windows = 24;
    private const uint Magic = 0x74726976;

    private const ulong DeviceIdRegister = 0x08;
    private const ulong DeviceFeatures = 0x10;
    private const ulong DeviceFeaturesSelect = 0x14;
    private const ulong DriverFeatures = 0x20;
    private const ulong DriverFeaturesSelect = 0x24;
    private const ulong QueueSelect = 0x30;
    private const ulong QueueSize = 0x38;
    private const ulong QueueReady = 0x44;
    private const ulong QueueNotify = 0x50;
    private const ulong InterruptAcknowledge = 0x64;
    private const ulong Status = 0x70;
    private const ulong DescriptorArea = 0x80;
    private const ulong DriverArea = 0x90;
    private const ulong DeviceArea = 0xa0;
    private const ulong ConfigSpace = 0x100;

    private const uint Acknowledge = 1;
    private const uint Driver = 2;
    private const uint DriverOk = 4;
    private const uint FeaturesOk = 8;
    private const uint Version1 = 1; // Bit 32: the lowest of the second word.
    private const uint AllInterrupts = 3;

    private readonly QtestConnection _qtest;
    private readonly ulong _address;

    private VirtioMmioDevice(QtestConnection qtest, ulong address)
    {
        _qtest = qtest;
        _address = address;
    }

    public static async Task<VirtioMmioDevice> FindAsync(QtestConnection qtest, uint deviceId, CancellationToken cancellationToken)
    {
        // QEMU fills the bus from its last window, and how many there are depends on the machine's options.
        var windows = Enumerable.Range(0, Windows).Select(n => FirstWindow + ((ulong)n * WindowSize)).ToArray();
        var answers = await qtest.ExecuteAsync(
            [.. windows.SelectMany(w => new[] { QtestConnection.ReadLong(w), QtestConnection.ReadLong(w + DeviceIdRegister) })],
            cancellationToken);
        for (var n = 0; n < Windows; n++)
        {
            if (QtestConnection.ParseNumber(answers[2 * n]) == Magic && QtestConnection.ParseNumber(answers[(2 * n) + 1]) == deviceId)
                return new VirtioMmioDevice(qtest, windows[n]);
        }

        throw new InvalidOperationException($"The machine has no virtio device with id {deviceId}.");
    }

    public string Read(ulong register) => QtestConnection.ReadLong(_address + register);

    public string Write(ulong register, uint value) => QtestConnection.WriteLong(_address + register, value);

    public string ReadConfig(ulong offset) => Read(ConfigSpace + offset);

    public string WriteConfig(ulong offset, uint value) => Write(ConfigSpace + offset, value);

    public string Notify(Virtqueue queue) => Write(QueueNotify, (uint)queue.Index);

    public string AcknowledgeInterrupts() => Write(InterruptAcknowledge, AllInterrupts);

    public string Reset() => Write(Status, 0);

    /// <summary>Brings the device up with those of the wanted features that it offers; returns the features agreed on.</summary>
    public async Task<uint> InitialiseAsync(uint wantedFeatures, IEnumerable<Virtqueue> queues, CancellationToken cancellationToken)
    {
        var offered = await _qtest.ExecuteAsync(
            [
                Write(Status, 0),
                Write(Status, Acknowledge),
                Write(Status, Acknowledge | Driver),
                Write(DeviceFeaturesSelect, 0),
                Read(DeviceFeatures),
            ],
            cancellationToken);
        var features = wantedFeatures & (uint)QtestConnection.ParseNumber(offered[^1]);
        var status = await _qtest.ExecuteAsync(
            [
                Write(DriverFeaturesSelect, 0),
                Write(DriverFeatures, features),
                Write(DriverFeaturesSelect, 1),
                Write(DriverFeatures, Version1),
                Write(Status, Acknowledge | Driver | FeaturesOk),
                Read(Status),
            ],
            cancellationToken);
        if ((QtestConnection.ParseNumber(status[^1]) & FeaturesOk) == 0)
            throw new InvalidOperationException($"The device refuses the features 0x{features:x}.");
        await _qtest.ExecuteAsync(
            [.. queues.SelectMany(SetUp), Write(Status, Acknowledge | Driver | FeaturesOk | DriverOk)], cancellationToken);
        return features;
    }

    private IEnumerable<string> SetUp(Virtqueue queue) =>
    [
        queue.Clear(),
        Write(QueueSelect, (uint)queue.Index),
        Write(QueueSize, Virtqueue.Size),
        Write(DescriptorArea, (uint)queue.DescriptorArea),
        Write(DescriptorArea + 4, 0),
        Write(DriverArea, (uint)queue.DriverArea),
        Write(DriverArea + 4, 0),
        Write(DeviceArea, (uint)queue.DeviceArea),
        Write(DeviceArea + 4, 0),
        Write(QueueReady, 1),
    ];
}
