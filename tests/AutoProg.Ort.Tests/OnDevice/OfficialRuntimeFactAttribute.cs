using System.ComponentModel;
using System.Diagnostics;
using AutoProg.Ort.Tests.Documentation;

namespace AutoProg.Ort.Tests.OnDevice;

/// <summary>A test that trains in ONNX Runtime's own on-device training: needs Node and what npm has put below tools/ort-training, and says so where they are missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class OfficialRuntimeFactAttribute : FactAttribute
{
    public const string Tool = "tools/ort-training";

    public OfficialRuntimeFactAttribute() => Skip = Missing.Value;

    private static Lazy<string?> Missing { get; } = new(static () =>
        !Directory.Exists(Repository.InRoot($"{Tool}/node_modules/onnxruntime-web")) ? $"The official runtime is not there; fetch it with: npm ci --ignore-scripts --prefix {Tool}"
        : !HasNode() ? "There is no Node to run the official runtime in; install Node 18 or newer."
        : null);

    private static bool HasNode()
    {
        try
        {
            using var node = Process.Start(new ProcessStartInfo("node", "--version") { RedirectStandardOutput = true, UseShellExecute = false });
            node!.WaitForExit();
            return node.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}
