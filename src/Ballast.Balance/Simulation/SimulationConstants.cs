namespace Ballast.Balance.Simulation;

/// <summary>The model's own numbers, which a scenario may change.</summary>
public sealed record SimulationConstants
{
    /// <summary>The share of a guest's memory that its kernel takes.</summary>
    public double KernelShare { get; init; } = 0.02;

    /// <summary>How fast a balloon gives memory back to its guest, in MiB a second.</summary>
    public double Deflate { get; init; } = 512;

    /// <summary>How fast it takes memory that is free or cold, in MiB a second.</summary>
    public double Inflate { get; init; } = 256;

    /// <summary>How fast it takes memory that the guest must swap out for it, in MiB a second.</summary>
    public double InflateSwapping { get; init; } = 32;

    /// <summary>How fast a guest swaps out, in MiB a second.</summary>
    public double SwapOut { get; init; } = 200;

    /// <summary>How fast it swaps in, in MiB a second.</summary>
    public double SwapIn { get; init; } = 100;

    /// <summary>How fast it reads files into its cache, in MiB a second.</summary>
    public double Read { get; init; } = 80;

    /// <summary>The share of a guest's free memory that the host still holds.</summary>
    public double FreeTouched { get; init; } = 0.3;

    /// <summary>How old a guest's report is when it arrives, in seconds.</summary>
    public double ReportAge { get; init; }
}
