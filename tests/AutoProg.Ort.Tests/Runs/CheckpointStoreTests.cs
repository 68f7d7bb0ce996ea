using System.Text;
using AutoProg.Ort.Files;
using AutoProg.Ort.Runs;

namespace AutoProg.Ort.Tests.Runs;

public sealed class CheckpointStoreTests : InTemporaryFolder
{
    private readonly Warnings warnings = new();

    private sealed record State(int Epoch, double Loss, IReadOnlyList<long> Keys, string? Note = null);

    [Fact]
    public void A_checkpoint_comes_back_as_it_was_saved()
    {
        var state = new State(3, 0.1 + 0.2, [long.MaxValue, -1], "Ü \"quoted\"");

        var name = Store().Save(12_500, [Weights(1.5f), new CheckpointFile("ema-0.998.safetensors", [FloatTensor.Of("w", [1], [9])], new Dictionary<string, string>(StringComparer.Ordinal) { ["decay"] = "0.998" })], state);
        var checkpoint = Store().OpenLatest();

        Assert.Equal("step-0012500", name);
        Assert.Equal(name, checkpoint.Name);
        Assert.Equal(12_500, checkpoint.Step);
        Assert.Equivalent(state, checkpoint.ReadState<State>(), strict: true);
        Assert.Equal(["ema-0.998.safetensors", "weights.safetensors"], checkpoint.Files.Order(StringComparer.Ordinal));
        Assert.Equal(1.5f, WeightOf(checkpoint));
        using var ema = checkpoint.OpenFile("ema-0.998.safetensors");
        Assert.Equal("0.998", ema.Metadata["decay"]);
        Assert.Equal($"{checkpoint.Path}: holds no 'moments.safetensors'; there are weights.safetensors, ema-0.998.safetensors", Assert.Throws<FileFormatException>(() => checkpoint.OpenFile("moments.safetensors")).Message);
        Assert.Empty(warnings.Messages);
    }

    [Fact]
    public void Nothing_to_resume_from_is_an_error_unless_starting_afresh_is_allowed()
    {
        var error = Assert.Throws<FileNotFoundException>(() => Store().OpenLatest());

        Assert.Equal($"{At("checkpoints")}: there is no checkpoint to resume from. Leave out --resume to start afresh.", error.Message);
        Assert.Null(Store().TryOpenLatest());
    }

    [Fact]
    public void The_newest_and_the_best_are_kept()
    {
        var store = Store(keep: 2);
        foreach (var step in Enumerable.Range(1, 6))
        {
            store.Save(step, [Weights(step)], step, best: step is 1 or 3);
        }

        Assert.Equal(["step-0000003", "step-0000005", "step-0000006"], Folders());
        Assert.Equal("step-0000006\n", File.ReadAllText(At("checkpoints", "last")));
        Assert.Equal("step-0000003\n", File.ReadAllText(At("checkpoints", "best")));
        Assert.Equal(3, CheckpointStore.Open(At("checkpoints", "best"), warnings).Step);
        Assert.True(CheckpointStore.Open(At("checkpoints", "best"), warnings).IsBest);
        Assert.Equal(6, CheckpointStore.Open(At("checkpoints", "last"), warnings).Step);
        Assert.Equal(5, CheckpointStore.Open(At("checkpoints", "step-0000005"), warnings).Step);
        Assert.Equal(6, CheckpointStore.Open(At("checkpoints"), warnings).Step);
        Assert.Equal(6, CheckpointStore.Open(Folder, warnings).Step);
    }

    [Fact]
    public void Older_checkpoints_go_only_after_the_new_one_is_complete()
    {
        Store(keep: 1).Save(1, [Weights(1)], 1);
        var disk = new FailingDisk(int.MaxValue);

        new CheckpointStore(At("checkpoints"), 1, warnings, disk).Save(2, [Weights(2)], 2);

        Assert.Equal(
            [
                "mkdir checkpoints", "mkdir .tmp-step-0000002", "create weights.safetensors", "flush", "create state.json", "flush", "flush .tmp-step-0000002",
                "move .tmp-step-0000002 step-0000002", "flush checkpoints", "create .tmp-last", "flush", "replace last", "flush checkpoints",
                "move step-0000001 .tmp-step-0000001-deleted", "delete .tmp-step-0000001-deleted",
            ],
            disk.Trace);
    }

    [Fact]
    public void A_power_cut_at_any_moment_loses_at_most_the_checkpoint_in_the_making()
    {
        var complete = new FailingDisk(int.MaxValue);
        var folder = Path.Combine(Folder, "measure");
        new CheckpointStore(folder, 1, warnings).Save(1, [Weights(1)], 1);
        new CheckpointStore(folder, 1, warnings, complete).Save(2, [Weights(2)], 2, best: true);
        Assert.InRange(complete.Steps, 15, 30);

        for (var lifetime = 0; lifetime < complete.Steps; lifetime++)
        {
            folder = Path.Combine(Folder, $"cut-{lifetime}");
            new CheckpointStore(folder, 1, warnings).Save(1, [Weights(1)], 1);
            var cut = new FailingDisk(lifetime);
            Assert.Throws<FailingDisk.PowerCut>(() => new CheckpointStore(folder, 1, warnings, cut).Save(2, [Weights(2)], 2, best: true));

            var store = new CheckpointStore(folder, 1, warnings);
            var survivor = store.OpenLatest();
            var renamed = cut.Trace.Contains("move .tmp-step-0000002 step-0000002");
            Assert.Equal(renamed ? 2 : 1, survivor.Step);
            Assert.Equal(survivor.Step, WeightOf(survivor));
            Assert.Equal(survivor.Step, survivor.ReadState<int>());

            store.Save(3, [Weights(3)], 3);
            Assert.Equal(3, store.OpenLatest().Step);
            Assert.Equal(renamed ? ["step-0000002", "step-0000003"] : ["step-0000003"], Folders(folder));
            Assert.DoesNotContain(Directory.EnumerateDirectories(folder), path => Path.GetFileName(path).StartsWith(".tmp", StringComparison.Ordinal));
        }

        Assert.Empty(warnings.Messages);
    }

    [Fact]
    public void Pointers_that_a_killed_process_left_behind_follow_the_checkpoint_that_a_run_goes_on_from()
    {
        Store().Save(1, [Weights(1)], 1, best: true);
        var steps = new FailingDisk(int.MaxValue);
        new CheckpointStore(Path.Combine(Folder, "measure"), 2, warnings, steps).Save(2, [Weights(2)], 2);
        var cut = new FailingDisk(steps.Trace.IndexOf("create .tmp-last"));
        Assert.Throws<FailingDisk.PowerCut>(() => new CheckpointStore(At("checkpoints"), 2, warnings, cut).Save(2, [Weights(2)], 2, best: true));
        Assert.Equal("step-0000001\n", File.ReadAllText(At("checkpoints", "last")));

        Store().GoOnFrom(Store().OpenLatest());

        Assert.Equal("step-0000002\n", File.ReadAllText(At("checkpoints", "last")));
        Assert.Equal("step-0000002\n", File.ReadAllText(At("checkpoints", "best")));
        Assert.Equal(["step-0000001", "step-0000002"], Folders());
        Assert.Empty(warnings.Messages);
    }

    [Fact]
    public void A_full_disk_ends_the_save_and_leaves_earlier_checkpoints_and_no_litter()
    {
        var steps = new FailingDisk(int.MaxValue);
        new CheckpointStore(Path.Combine(Folder, "measure"), 1, warnings, steps).Save(2, [Weights(2)], 2);
        for (var lifetime = 2; lifetime < steps.Trace.IndexOf("move .tmp-step-0000002 step-0000002"); lifetime++)
        {
            var folder = Path.Combine(Folder, $"full-{lifetime}");
            new CheckpointStore(folder, 1, warnings).Save(1, [Weights(1)], 1);

            var store = new CheckpointStore(folder, 1, warnings, new FailingDisk(lifetime, onlyFull: true));
            Assert.Throws<IOException>(() => store.Save(2, [Weights(2)], 2));

            Assert.Equal(1, WeightOf(store.OpenLatest()));
            Assert.Equal(["step-0000001"], Directory.EnumerateDirectories(folder).Select(Path.GetFileName));
        }

        Assert.Empty(warnings.Messages);
    }

    [Fact]
    public void Trouble_with_tidying_up_is_a_warning_since_the_step_is_saved()
    {
        Store(keep: 1).Save(1, [Weights(1)], 1);
        var steps = new FailingDisk(int.MaxValue);
        new CheckpointStore(Path.Combine(Folder, "measure"), 1, warnings, steps).Save(2, [Weights(2)], 2);

        var disk = new FailingDisk(steps.Trace.IndexOf("create .tmp-last"), onlyFull: true);
        new CheckpointStore(At("checkpoints"), 1, warnings, disk).Save(2, [Weights(2)], 2);

        Assert.Equal($"Cannot tidy up {At("checkpoints")}.", Assert.Single(warnings.Messages));
        Assert.Equal(2, Store().OpenLatest().Step);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void A_diverged_network_never_replaces_a_good_checkpoint(float poison)
    {
        var store = Store(keep: 1);
        store.Save(1, [Weights(1)], 1);
        var sick = new float[1000];
        sick[777] = poison;

        var error = Assert.Throws<NonFiniteTensorException>(() =>
            store.Save(2, [Weights(2), new CheckpointFile("moments.safetensors", [FloatTensor.Of("m/blocks.0.w", [1000], sick)])], 2));

        Assert.Equal("Step 2 was not saved: 'm/blocks.0.w' in moments.safetensors holds NaN or infinity. Earlier checkpoints are untouched.", error.Message);
        Assert.Equal(["step-0000001"], Directory.EnumerateDirectories(At("checkpoints")).Select(Path.GetFileName));
        Assert.Equal(1, WeightOf(store.OpenLatest()));
    }

    [Fact]
    public void Saving_a_step_again_adds_a_checkpoint_and_the_later_one_is_the_latest()
    {
        var store = Store(keep: 5);
        Assert.Equal("step-0000007", store.Save(7, [Weights(1)], "boundary"));
        Assert.Equal("step-0000007-2", store.Save(7, [Weights(2)], "search"));
        Assert.Equal("step-0000007-3", store.Save(7, [Weights(3)], "winner"));

        Assert.Equal("winner", store.OpenLatest().ReadState<string>());
        Assert.Equal("boundary", CheckpointStore.Open(At("checkpoints", "step-0000007"), warnings).ReadState<string>());
    }

    [Fact]
    public void After_going_back_to_an_earlier_step_the_newest_is_what_was_saved_last()
    {
        var store = Store(keep: 2);
        store.Save(50, [Weights(50)], 50);
        store.Save(100, [Weights(100)], 100);

        store.Save(60, [Weights(60)], 60);

        Assert.Equal(60, store.OpenLatest().Step);
        Assert.Equal(["step-0000060", "step-0000100"], Folders());
    }

    [Fact]
    public void A_damaged_checkpoint_is_named_and_the_one_before_it_is_used()
    {
        var weights = Path.Combine("checkpoints", "step-0000003", "weights.safetensors");
        var manifest = Path.Combine("checkpoints", "step-0000003", "state.json");
        (string Wound, string Warning, Action Inflict)[] wounds =
        [
            ("cut short", " bytes long instead of ", () => Change(weights, bytes => bytes[..^1])),
            ("one bit of a weight", "differs from what was saved (SHA-256)", () => Change(weights, bytes => Flip(bytes, bytes.Length - 3))),
            ("missing file", "weights.safetensors: is missing", () => File.Delete(At(weights))),
            ("missing manifest", "state.json: is missing; the checkpoint is not complete", () => File.Delete(At(manifest))),
            ("cut manifest", "is not valid JSON", () => Change(manifest, bytes => bytes[..(bytes.Length / 2)])),
            ("empty manifest", "is not valid JSON", () => Change(manifest, _ => [])),
            ("state", "state.json: differs from what was saved (SHA-256)", () => Replace(manifest, "\"state\": 3", "\"state\": 4")),
            ("sequence", "state.json: differs from what was saved (SHA-256)", () => Replace(manifest, "\"sequence\": 3", "\"sequence\": 9")),
            ("seal", "state.json: differs from what was saved (SHA-256)", () => Change(manifest, bytes => Flip(bytes, 20))),
            ("no seal", "state.json: differs from what was saved (SHA-256)", () => Change(manifest, _ => "{\"format\": 2}"u8.ToArray())),
            ("step", "tells of step 4, but lies in 'step-0000003'", () => Forge(manifest, "\"step\": 3", "\"step\": 4")),
            ("format", "has format 1; this version reads format 2", () => Replace(manifest, "\"format\": 2", "\"format\": 1")),
            ("huge number", "has no whole number 'step' of at least 0", () => Forge(manifest, "\"step\": 3", "\"step\": 99999999999999999999999")),
            ("negative length", "has no whole number 'length' of at least 0", () => Forge(manifest, "\"length\": ", "\"length\": -")),
            ("path traversal", "names a file that is no plain name ending in .safetensors", () => Forge(manifest, "weights.safetensors", "../../weights.safetensors")),
            ("deep nesting", "is not valid JSON", () => Change(manifest, _ => Encoding.UTF8.GetBytes(new string('[', 100_000)))),
            ("duplicate", "is not valid JSON", () => Forge(manifest, "\"step\": 3", "\"step\": 3, \"step\": 3")),
            ("surrogate", "state.json: ", () => Forge(manifest, "\"format\": 2", "\"format\": 2, \"files\": {\"\\ud800\": 1}")),
        ];
        foreach (var (wound, warning, inflict) in wounds)
        {
            Directory.CreateDirectory(At("checkpoints"));
            Directory.Delete(At("checkpoints"), recursive: true);
            warnings.Messages.Clear();
            var store = Store(keep: 3);
            foreach (var step in new[] { 1, 2, 3 })
            {
                store.Save(step, [Weights(step)], step);
            }

            inflict();

            Assert.True(store.OpenLatest().Step == 2, wound);
            var message = Assert.Single(warnings.Messages);
            Assert.StartsWith("Skipping a damaged checkpoint", message);
            Assert.Contains(warning, message);
            Assert.Contains("step-0000003", message);
            Assert.Throws<FileFormatException>(() => CheckpointStore.Open(At("checkpoints", "step-0000003"), warnings).ReadState<int>());

            Assert.Equal("step-0000003-2", store.Save(3, [Weights(33)], 33));
            Assert.Equal(33, store.OpenLatest().ReadState<int>());
        }
    }

    [Fact]
    public void When_every_checkpoint_is_damaged_nothing_is_started_silently()
    {
        Store().Save(1, [Weights(1)], 1);
        Change(Path.Combine("checkpoints", "step-0000001", "weights.safetensors"), bytes => Flip(bytes, 20));

        var error = Assert.Throws<FileFormatException>(() => Store().TryOpenLatest());

        Assert.Contains("no checkpoint is intact", error.Message);
    }

    /// <summary>The bits of bytes flipped one by one, and every beginning of a file in place of the whole.</summary>
    [Theory]
    [InlineData("state.json")]
    [InlineData("weights.safetensors")]
    public void Whatever_happens_to_a_byte_is_noticed_and_the_checkpoint_before_it_is_used(string file)
    {
        Store().Save(1, [Weights(1)], new { Epoch = 1, Loss = 2.5 });
        Store().Save(2, [Weights(2)], new { Epoch = 2, Loss = 1.5 });
        var path = Path.Combine("checkpoints", "step-0000002", file);
        var valid = File.ReadAllBytes(At(path));
        for (var i = 0; i < valid.Length * 9; i++)
        {
            File.WriteAllBytes(At(path), i < valid.Length * 8 ? FlipBit(valid, i) : valid[..(i - (valid.Length * 8))]);
            warnings.Messages.Clear();

            Assert.Equal(1, Store().OpenLatest().Step);
            Assert.Contains(At(path), Assert.Single(warnings.Messages));
        }

        File.WriteAllBytes(At(path), valid);
        Assert.Equal(2, Store().OpenLatest().Step);
    }

    [Fact]
    public void A_pointer_leads_nowhere_but_to_a_checkpoint_beside_it()
    {
        Store().Save(1, [Weights(1)], 1);
        File.WriteAllText(At("checkpoints", "last"), "../../etc");

        var error = Assert.Throws<FileFormatException>(() => CheckpointStore.Open(At("checkpoints", "last"), warnings));

        Assert.Equal($"{At("checkpoints", "last")}: does not hold the name of a checkpoint, e.g. step-0012500", error.Message);
    }

    [Fact]
    public void A_state_of_another_version_is_refused()
    {
        Store().Save(1, [Weights(1)], new { Epoch = 1 });

        var error = Assert.Throws<FileFormatException>(() => Store().OpenLatest().ReadState<State>());

        Assert.Contains("state.json: holds a state of another version", error.Message);
    }

    [Theory]
    [InlineData("../weights.safetensors")]
    [InlineData("weights.bin")]
    [InlineData("")]
    public void A_file_name_that_would_not_be_read_back_is_not_written(string name)
    {
        var error = Assert.Throws<ArgumentException>(() => Store().Save(1, [new CheckpointFile(name, [])], 1));

        Assert.StartsWith($"File name '{name}' appears twice, or is no plain lower-case name ending in .safetensors.", error.Message);
    }

    private static CheckpointFile Weights(float value) => new("weights.safetensors", [FloatTensor.Of("w", [2], [value, -value])]);

    private static float WeightOf(Checkpoint checkpoint)
    {
        using var reader = checkpoint.OpenFile("weights.safetensors");
        var values = new float[2];
        reader.Read("w", values);
        return values[0];
    }

    private static byte[] FlipBit(byte[] valid, int bit)
    {
        var bytes = valid.ToArray();
        bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        return bytes;
    }

    private static byte[] Flip(byte[] bytes, int at)
    {
        bytes[at] ^= 1;
        return bytes;
    }

    private CheckpointStore Store(int keep = 2) => new(At("checkpoints"), keep, warnings);

    private IEnumerable<string?> Folders(string? folder = null) =>
        Directory.EnumerateDirectories(folder ?? At("checkpoints")).Select(Path.GetFileName).Where(name => name!.StartsWith("step", StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    private void Change(string path, Func<byte[], byte[]> change) => File.WriteAllBytes(At(path), change(File.ReadAllBytes(At(path))));

    /// <summary>What somebody can write who knows the format.</summary>
    private void Forge(string path, string from, string to)
    {
        Replace(path, from, to);
        Change(path, CheckpointManifest.Seal);
    }

    private void Replace(string path, string from, string to)
    {
        var text = File.ReadAllText(At(path));
        Assert.Contains(from, text);
        File.WriteAllText(At(path), text.Replace(from, to, StringComparison.Ordinal));
    }
}
